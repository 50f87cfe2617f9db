# What `cmake --install` puts where, in the components that become packages: runtime (the shared library), dev (headers,
# static libraries, the CMake package and berth.pc) and tools (programs, and what a service manager needs of them).
# Every path inside the installed files is relative, so that the tree can be moved.

include(CMakePackageConfigHelpers)
set(berth_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/berth")
set(berth_pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(TARGETS berth_static berth_shared EXPORT berthTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT dev
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/framework/include/berth" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    COMPONENT dev FILES_MATCHING PATTERN "*.hpp")
install(EXPORT berthTargets NAMESPACE berth:: DESTINATION "${berth_package_dir}" COMPONENT dev)

set(berth_flavour static)
if(BUILD_SHARED_LIBS)
    set(berth_flavour shared)
endif()
configure_package_config_file(cmake/berthConfig.cmake.in "${PROJECT_BINARY_DIR}/berthConfig.cmake"
    INSTALL_DESTINATION "${berth_package_dir}" PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_SBINDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/berthConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/berthConfig.cmake" "${PROJECT_BINARY_DIR}/berthConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindAsio.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindLiburing.cmake"
    DESTINATION "${berth_package_dir}" COMPONENT dev)

file(RELATIVE_PATH berth_prefix_from_pc "/prefix/${berth_pkgconfig_dir}" "/prefix")
string(REGEX REPLACE "/$" "" berth_prefix_from_pc "${berth_prefix_from_pc}")
set(berth_pc_requires_private "")
set(berth_pc_asio "-DASIO_STANDALONE")
set(berth_pc_libs_private "")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    string(APPEND berth_pc_asio " -DASIO_HAS_STD_ALIGNED_ALLOC=1")  # see FindAsio.cmake
endif()
foreach(library IN LISTS berth_system_libraries CMAKE_DL_LIBS)
    string(APPEND berth_pc_libs_private " -l${library}")
endforeach()
if(BERTH_HAS_LIBURING)
    set(berth_pc_requires_private "liburing >= 2.3")
endif()
configure_file(cmake/berth.pc.in "${PROJECT_BINARY_DIR}/berth.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/berth.pc" DESTINATION "${berth_pkgconfig_dir}" COMPONENT dev)

# berth_install_tool(target section): a program with its manual page, and its completion if it has one.
function(berth_install_tool target section)
    set(folder "${CMAKE_INSTALL_BINDIR}")
    if(section EQUAL 8)
        set(folder "${CMAKE_INSTALL_SBINDIR}")
    endif()
    install(TARGETS ${target} RUNTIME DESTINATION "${folder}" COMPONENT tools)
    install(FILES "${PROJECT_SOURCE_DIR}/framework/tools/man/${target}.${section}"
        DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT tools)
    set(completion "${PROJECT_SOURCE_DIR}/framework/tools/completion/${target}.bash")
    if(EXISTS "${completion}")
        install(FILES "${completion}" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
            RENAME ${target} COMPONENT tools)
    endif()
endfunction()

if(BERTH_HAS_DAEMON)
    berth_install_tool(berthd 8)
    berth_install_tool(berth_keeper 8)  # berthd finds it beside itself
    berth_install_tool(berthctl 1)
    berth_install_tool(berth 1)
    foreach(unit berthd.service berthd.socket)
        configure_file(cmake/packaging/${unit}.in "${PROJECT_BINARY_DIR}/${unit}" @ONLY)
        install(FILES "${PROJECT_BINARY_DIR}/${unit}" DESTINATION lib/systemd/system COMPONENT tools)
    endforeach()
    install(FILES "${PROJECT_SOURCE_DIR}/cmake/packaging/berth.sysusers" DESTINATION lib/sysusers.d RENAME berth.conf
        COMPONENT tools)
endif()

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/berth" COMPONENT license)

if(berth_is_top_level AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    include(packaging/deb)
endif()
