# What `cmake --install` puts where: both libraries, the public headers, the CMake package and berth.pc.
# Every path inside the installed files is relative, so that the tree can be moved.

include(CMakePackageConfigHelpers)
set(berth_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/berth")
set(berth_pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(TARGETS berth_static berth_shared EXPORT berthTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/framework/include/berth" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.hpp")
install(EXPORT berthTargets NAMESPACE berth:: DESTINATION "${berth_package_dir}")

configure_package_config_file(cmake/berthConfig.cmake.in "${PROJECT_BINARY_DIR}/berthConfig.cmake"
    INSTALL_DESTINATION "${berth_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/berthConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/berthConfig.cmake" "${PROJECT_BINARY_DIR}/berthConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindAsio.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindLiburing.cmake"
    DESTINATION "${berth_package_dir}")

file(RELATIVE_PATH berth_prefix_from_pc "/prefix/${berth_pkgconfig_dir}" "/prefix")
string(REGEX REPLACE "/$" "" berth_prefix_from_pc "${berth_prefix_from_pc}")
set(berth_pc_requires_private "")
set(berth_pc_asio "-DASIO_STANDALONE")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    string(APPEND berth_pc_asio " -DASIO_HAS_STD_ALIGNED_ALLOC=1")  # see FindAsio.cmake
endif()
if(BERTH_HAS_LIBURING)
    set(berth_pc_requires_private "liburing >= 2.3")
endif()
configure_file(cmake/berth.pc.in "${PROJECT_BINARY_DIR}/berth.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/berth.pc" DESTINATION "${berth_pkgconfig_dir}")
# The programs, and what a service manager needs of them; berthd finds its keeper beside itself.
if(BERTH_HAS_DAEMON)
    install(TARGETS berthd berth_keeper RUNTIME DESTINATION "${CMAKE_INSTALL_SBINDIR}")
    install(TARGETS berthctl RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    install(FILES framework/tools/man/berthctl.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
    install(FILES framework/tools/man/berthd.8 DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
    install(FILES framework/tools/completion/berthctl.bash
        DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME berthctl)
    foreach(unit berthd.service berthd.socket)
        configure_file(cmake/packaging/${unit}.in "${PROJECT_BINARY_DIR}/${unit}" @ONLY)
        install(FILES "${PROJECT_BINARY_DIR}/${unit}" DESTINATION lib/systemd/system)
    endforeach()
    install(FILES "${PROJECT_SOURCE_DIR}/cmake/packaging/berth.sysusers" DESTINATION lib/sysusers.d RENAME berth.conf)
endif()

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/berth")
