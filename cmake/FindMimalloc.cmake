# Finds mimalloc's header. Nothing links to the library: it is opened at run time, so that it does not replace malloc.
#
# Variables: Mimalloc_FOUND, Mimalloc_VERSION, Mimalloc_INCLUDE_DIR.

find_path(Mimalloc_INCLUDE_DIR NAMES mimalloc.h PATH_SUFFIXES mimalloc-2.0 mimalloc-2.1 DOC "The folder that holds mimalloc.h")
mark_as_advanced(Mimalloc_INCLUDE_DIR)

if(Mimalloc_INCLUDE_DIR)
    # 209 is 2.0.9: one digit each.
    file(STRINGS "${Mimalloc_INCLUDE_DIR}/mimalloc.h" Mimalloc_version_line REGEX "define MI_MALLOC_VERSION [0-9]+")
    string(REGEX REPLACE ".*MI_MALLOC_VERSION ([0-9])([0-9])([0-9]).*" "\\1.\\2.\\3" Mimalloc_VERSION
        "${Mimalloc_version_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Mimalloc REQUIRED_VARS Mimalloc_INCLUDE_DIR VERSION_VAR Mimalloc_VERSION
    REASON_FAILURE_MESSAGE "on Debian: apt-get install libmimalloc-dev")
