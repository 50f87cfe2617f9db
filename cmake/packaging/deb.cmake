# Debian packages out of the components of install_rules.cmake: libberth0.1, libberth-dev and berth-tools.
#
# cmake/package.sh builds them, by the preset `package`; `cpack -G DEB` makes them of any build whose prefix is /usr. What a
# package holds besides the installed files is made by deb/stage.cmake and
# deb/finish.cmake. The revision begins with 0: a package of
# Debian's own of the same version takes this one's place.

set(berth_deb "${CMAKE_CURRENT_LIST_DIR}/deb")
set(berth_abi "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 0berth1)
file(STRINGS "${berth_deb}/changelog" berth_deb_newest LIMIT_COUNT 1)
if(NOT berth_deb_newest MATCHES "^berth \\(${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}\\) ")
    message(WARNING "cmake/packaging/deb/changelog does not begin with ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME berth)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "berth maintainers <maintainers@users.noreply.example>")
set(CPACK_PACKAGE_VENDOR "berth maintainers")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS "${berth_deb}/stage.cmake")
set(CPACK_POST_BUILD_SCRIPTS "${berth_deb}/finish.cmake")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each has its own
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_COMPONENTS_ALL runtime dev)
if(BERTH_HAS_DAEMON)
    list(APPEND CPACK_COMPONENTS_ALL tools)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SOURCE berth)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(berth_about "Workers of a server get bound sockets out of a block of ports that was reserved
once: without a bind, without a search, and without a race against other
processes. With an event loop on io_uring or epoll, pools and servers for
standalone Asio.
.
")

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME "libberth${berth_abi}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "berth-tools, libmimalloc2.0")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "reserved blocks of TCP and UDP ports for servers - shared library
${berth_about}This package holds the library that programs are linked with.")
# What packages of programs depend on: dpkg-shlibdeps reads it.
file(WRITE "${PROJECT_BINARY_DIR}/deb/shlibs" "libberth ${berth_abi} libberth${berth_abi} (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA "${berth_deb}/triggers" "${PROJECT_BINARY_DIR}/deb/shlibs")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libberth-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libberth${berth_abi} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), libasio-dev (>= 1:1.22)")
if(BERTH_HAS_LIBURING)
    string(APPEND CPACK_DEBIAN_DEV_PACKAGE_DEPENDS ", liburing-dev (>= 2.3)")
endif()
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "cmake, pkg-config")
if(BERTH_HAS_SERVICE)
    string(APPEND CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS ", libcli11-dev, libspdlog-dev, prometheus-cpp-dev")
endif()
set(CPACK_DEBIAN_DEV_DESCRIPTION "reserved blocks of TCP and UDP ports for servers - development
${berth_about}This package holds the headers, the static library and what CMake and
pkg-config need. berth::service needs the three packages that are suggested
besides cmake and pkg-config.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME berth-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_TOOLS_DESCRIPTION "blocks of TCP and UDP ports that stay reserved - daemon and tools
The daemon berthd keeps blocks of ports over the end of any process and the
machine's restart, and lends sockets of them to the programs that may ask.
berthctl creates, shows and removes such blocks.
.
Programs that reserve ports for themselves alone need neither.")
set(CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_EXTRA
    "${berth_deb}/postinst" "${berth_deb}/prerm" "${berth_deb}/postrm")

include(CPack)
