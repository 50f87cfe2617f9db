# cmake -DCOMPILER= -DFLAGS= -DINCLUDE= -DSCRATCH= -P compile_alone.cmake: compiles every header of berth by itself.
#
# Each is included twice, first thing in its file: a missing include or include guard is an error.
# The folder is searched at test time, so that no header can be left out.

file(GLOB_RECURSE headers RELATIVE "${INCLUDE}" "${INCLUDE}/berth/*.hpp")
list(LENGTH headers count)
if(count LESS 5)
    message(FATAL_ERROR "only ${count} headers found in ${INCLUDE}")
endif()

set(failures 0)
foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER "${header}" name)
    set(source "${SCRATCH}/${name}.cpp")
    file(WRITE "${source}" "#include <${header}>\n#include <${header}>\n")
    execute_process(
        COMMAND "${COMPILER}" -std=c++20 -fsyntax-only -Wall -Wextra -Wshadow -Wconversion -Werror -DASIO_STANDALONE
            "-I${INCLUDE}" ${FLAGS} "${source}"
        RESULT_VARIABLE result ERROR_VARIABLE errors)
    if(result)
        math(EXPR failures "${failures} + 1")
        message("${header} does not compile alone:\n${errors}")
    endif()
endforeach()

if(failures)
    message(FATAL_ERROR "${failures} of ${count} headers failed with ${COMPILER}")
endif()
message("${count} headers compile alone with ${COMPILER}")
