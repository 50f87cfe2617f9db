# cmake -DHOW= -DCOMPILER= -DFLAGS= -DINCLUDE= -DSCRATCH= [-DPATTERN=] [-DSTANDARD=] -P compile_headers.cmake: compiles
# every header of berth, or those of the pattern.
#
# HOW=each: by itself, included twice, first thing in its file, so that a missing include or include guard is an error.
# HOW=leading: the same, but for details, and for headers that another one includes before it says anything: the compiler
# then reads them first in the file as well. (What it looks up at the end of the file alone, a template's body, sees more
# there: so all are compiled by HOW=each at night.)
# HOW=all_at_once: one file includes them all, twice; for flags that change the meaning, not the set of includes.
# The folder is searched at test time, so that no header can be left out.

if(NOT PATTERN)
    set(PATTERN "berth/*.hpp")
    set(STANDARD c++20)
endif()
file(GLOB_RECURSE headers RELATIVE "${INCLUDE}" "${INCLUDE}/${PATTERN}")
list(LENGTH headers count)
if(count LESS 5)
    message(FATAL_ERROR "only ${count} headers found in ${INCLUDE}")
endif()

set(alone ${headers})
if(HOW STREQUAL "leading")
    list(FILTER alone EXCLUDE REGEX "/detail/")
    foreach(header IN LISTS headers)
        file(STRINGS "${INCLUDE}/${header}" first_line REGEX "^ *([^ /#]|#[^p])" LIMIT_COUNT 1)  # but #pragma once
        if(first_line MATCHES "^#include <(berth/[a-z_/0-9]+\\.hpp)>$")
            list(REMOVE_ITEM alone "${CMAKE_MATCH_1}")
        endif()
    endforeach()
endif()

set(sources "")
foreach(header IN LISTS alone)
    if(NOT HOW STREQUAL "all_at_once")
        string(MAKE_C_IDENTIFIER "${header}" name)
        file(WRITE "${SCRATCH}/${name}.cpp" "#include <${header}>\n#include <${header}>\n")
        list(APPEND sources "${SCRATCH}/${name}.cpp")
    else()
        string(APPEND everything "#include <${header}>\n#include <${header}>\n")
    endif()
endforeach()
if(HOW STREQUAL "all_at_once")
    file(WRITE "${SCRATCH}/everything.cpp" "${everything}")
    set(sources "${SCRATCH}/everything.cpp")
endif()

set(failures 0)
foreach(source IN LISTS sources)
    execute_process(
        COMMAND "${COMPILER}" -std=${STANDARD} -fsyntax-only -Wall -Wextra -Wshadow -Wconversion -Werror -DASIO_STANDALONE
            "-I${INCLUDE}" ${FLAGS} "${source}"
        RESULT_VARIABLE result ERROR_VARIABLE errors)
    if(result)
        math(EXPR failures "${failures} + 1")
        message("${source}:\n${errors}")
    endif()
endforeach()

if(failures)
    message(FATAL_ERROR "${failures} failures in ${count} headers with ${COMPILER}")
endif()
list(LENGTH sources files)
message("${count} headers compile (${HOW}, in ${files} files) with ${COMPILER}")
