# CPack's last step: each package is taken apart and put together again by dpkg-deb.
#
# CPack 3.25 gives a package with a shared library scripts that call ldconfig; the trigger does that, and Debian allows
# one of the two. dpkg-deb also sees to dates (SOURCE_DATE_EPOCH) and to the order of the fields.

find_program(dpkg_deb NAMES dpkg-deb)
if(NOT dpkg_deb)
    message(WARNING "no dpkg-deb: the packages are as CPack made them")
    return()
endif()
set(apart "${CPACK_TOPLEVEL_DIRECTORY}/apart")
foreach(package IN LISTS CPACK_PACKAGE_FILES)
    file(REMOVE_RECURSE "${apart}")
    execute_process(COMMAND "${dpkg_deb}" --raw-extract "${package}" "${apart}" COMMAND_ERROR_IS_FATAL ANY)
    if(EXISTS "${apart}/DEBIAN/triggers")
        file(REMOVE "${apart}/DEBIAN/postinst" "${apart}/DEBIAN/postrm")
    endif()
    execute_process(COMMAND "${dpkg_deb}" --root-owner-group -Zxz --build "${apart}" "${package}"
        COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endforeach()
file(REMOVE_RECURSE "${apart}")
