# Finds liburing, which ships a pkg-config file and no CMake package. Installed beside berthConfig.cmake.
#
# Target: Liburing::liburing. Variables: Liburing_FOUND, Liburing_VERSION, Liburing_INCLUDE_DIR, Liburing_LIBRARY.

find_path(Liburing_INCLUDE_DIR NAMES liburing.h DOC "The folder that holds liburing.h")
find_library(Liburing_LIBRARY NAMES uring DOC "liburing itself")
mark_as_advanced(Liburing_INCLUDE_DIR Liburing_LIBRARY)

if(Liburing_INCLUDE_DIR AND Liburing_LIBRARY)
    # Headers say their version from 2.4 on; before that the functions tell: 2.3 brought this one.
    set(Liburing_VERSION 2.2)
    if(EXISTS "${Liburing_INCLUDE_DIR}/liburing/io_uring_version.h")
        file(STRINGS "${Liburing_INCLUDE_DIR}/liburing/io_uring_version.h" Liburing_version_lines
            REGEX "define IO_URING_VERSION_(MAJOR|MINOR) [0-9]+")
        string(REGEX REPLACE ".*MAJOR ([0-9]+).*" "\\1" Liburing_major "${Liburing_version_lines}")
        string(REGEX REPLACE ".*MINOR ([0-9]+).*" "\\1" Liburing_minor "${Liburing_version_lines}")
        set(Liburing_VERSION "${Liburing_major}.${Liburing_minor}")
    else()
        file(STRINGS "${Liburing_INCLUDE_DIR}/liburing.h" Liburing_2_3 REGEX "io_uring_register_sync_cancel")
        if(Liburing_2_3)
            set(Liburing_VERSION 2.3)
        endif()
    endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Liburing REQUIRED_VARS Liburing_LIBRARY Liburing_INCLUDE_DIR
    VERSION_VAR Liburing_VERSION REASON_FAILURE_MESSAGE "on Debian: apt-get install liburing-dev")

if(Liburing_FOUND AND NOT TARGET Liburing::liburing)
    add_library(Liburing::liburing UNKNOWN IMPORTED)
    set_target_properties(Liburing::liburing PROPERTIES IMPORTED_LOCATION "${Liburing_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Liburing_INCLUDE_DIR}")
endif()
