# A Windows program of 64 bits, made on Debian: g++-mingw-w64-x86-64-posix, run by Wine. The preset `windows` uses it.
#
# Libraries that are headers alone, and GoogleTest's sources, are those of the building machine. Their headers are
# linked to a folder of their own: those of the building machine's system must not be seen.

set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
find_program(CMAKE_CXX_COMPILER NAMES x86_64-w64-mingw32-g++-posix x86_64-w64-mingw32-g++ REQUIRED)
find_program(CMAKE_C_COMPILER NAMES x86_64-w64-mingw32-gcc-posix x86_64-w64-mingw32-gcc REQUIRED)
find_program(CMAKE_RC_COMPILER NAMES x86_64-w64-mingw32-windres)
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# One file that runs anywhere: nothing of the compiler's beside it.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static")

set(berth_headers_alone "${CMAKE_BINARY_DIR}/headers_alone")
foreach(entry asio asio.hpp)
    find_path(berth_where_${entry} NAMES ${entry} PATHS /usr/local/include /usr/include NO_CMAKE_FIND_ROOT_PATH)
    mark_as_advanced(berth_where_${entry})
    if(berth_where_${entry} AND NOT EXISTS "${berth_headers_alone}/${entry}")
        file(MAKE_DIRECTORY "${berth_headers_alone}")
        file(CREATE_LINK "${berth_where_${entry}}/${entry}" "${berth_headers_alone}/${entry}" SYMBOLIC)
    endif()
endforeach()
set(Asio_INCLUDE_DIR "${berth_headers_alone}" CACHE PATH "The folder that holds asio.hpp")

find_program(BERTH_WINE NAMES wine wine64)
if(BERTH_WINE)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${BERTH_WINE}")
endif()
