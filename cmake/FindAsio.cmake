# Finds standalone Asio, which Debian ships as headers without a CMake package. Installed beside berthConfig.cmake.
#
# Target: Asio::asio (headers, ASIO_STANDALONE, threads). Variables: Asio_FOUND, Asio_VERSION, Asio_INCLUDE_DIR.

find_path(Asio_INCLUDE_DIR NAMES asio/version.hpp DOC "The folder that holds asio.hpp")
mark_as_advanced(Asio_INCLUDE_DIR)

if(Asio_INCLUDE_DIR)
    # 102201 is 1.22.1: major * 100000 + minor * 100 + patch.
    file(STRINGS "${Asio_INCLUDE_DIR}/asio/version.hpp" Asio_version_line REGEX "define ASIO_VERSION [0-9]+")
    string(REGEX REPLACE ".*ASIO_VERSION ([0-9]+).*" "\\1" Asio_version_number "${Asio_version_line}")
    math(EXPR Asio_major "${Asio_version_number} / 100000")
    math(EXPR Asio_minor "${Asio_version_number} / 100 % 1000")
    math(EXPR Asio_patch "${Asio_version_number} % 100")
    set(Asio_VERSION "${Asio_major}.${Asio_minor}.${Asio_patch}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Asio REQUIRED_VARS Asio_INCLUDE_DIR VERSION_VAR Asio_VERSION
    REASON_FAILURE_MESSAGE "on Debian: apt-get install libasio-dev")

if(Asio_FOUND AND NOT TARGET Asio::asio)
    find_package(Threads REQUIRED)
    add_library(Asio::asio INTERFACE IMPORTED)
    target_include_directories(Asio::asio INTERFACE "${Asio_INCLUDE_DIR}")
    target_compile_definitions(Asio::asio INTERFACE ASIO_STANDALONE)
    # Asio 1.22 asks the standard library for it before the library said so: without this word some sources of a program
    # allocate by aligned_alloc, and others free the same memory by operator delete.
    target_compile_definitions(Asio::asio INTERFACE $<$<PLATFORM_ID:Linux>:ASIO_HAS_STD_ALIGNED_ALLOC=1>)
    target_link_libraries(Asio::asio INTERFACE Threads::Threads)
    if(WIN32)
        target_compile_definitions(Asio::asio INTERFACE _WIN32_WINNT=0x0A00)
        target_link_libraries(Asio::asio INTERFACE ws2_32 mswsock)
    endif()
endif()
