# What Debian wants of a package besides the installed files; CPack runs it when they are in place, before it packs them.
#
# Each package gets its changelogs and copyright, manual pages are compressed, and what is left of symbols and notes in
# libraries and programs goes.

find_program(strip NAMES strip REQUIRED)
find_program(gzip NAMES gzip REQUIRED)

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result ERROR_VARIABLE errors)
    if(result)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}: ${errors}")
    endif()
endfunction()

function(compress file)
    if(IS_SYMLINK "${file}")
        return()
    endif()
    run("${gzip}" -9nf "${file}")
endfunction()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    set(root "${CPACK_TEMPORARY_DIRECTORY}/${component}/usr")
    string(TOUPPER "${component}" upper)
    set(documents "${root}/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
    file(COPY "${CMAKE_CURRENT_LIST_DIR}/copyright" DESTINATION "${documents}" FILE_PERMISSIONS
        OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/changelog" "${documents}/changelog.Debian" COPYONLY)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/../../../CHANGELOG.md" "${documents}/changelog" COPYONLY)
    file(GLOB_RECURSE pages "${root}/share/man/*")
    foreach(page IN LISTS pages ITEMS "${documents}/changelog.Debian" "${documents}/changelog")
        compress("${page}")
    endforeach()

    set(unneeded --remove-section=.comment --remove-section=.note)
    file(GLOB archives "${root}/lib/*.a" "${root}/lib/*/*.a")
    foreach(archive IN LISTS archives)
        run("${strip}" --strip-debug ${unneeded} --enable-deterministic-archives "${archive}")
    endforeach()
    file(GLOB binaries "${root}/bin/*" "${root}/sbin/*" "${root}/lib/*.so.*" "${root}/lib/*/*.so.*")
    foreach(binary IN LISTS binaries)
        if(NOT IS_SYMLINK "${binary}")
            run("${strip}" --strip-unneeded ${unneeded} "${binary}")
        endif()
    endforeach()
endforeach()
