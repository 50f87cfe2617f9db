# What each way of using the package is made of; run_consumer.cmake and its neighbours include it.

set(prefix "${SCRATCH}/moved")
set(work "${SCRATCH}/${MODE}")
file(REMOVE_RECURSE "${work}")
set(sanitize "")
if(SANITIZE)
    set(sanitize "-fsanitize=${SANITIZE}")
endif()

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(result AND NOT result EQUAL 77)  # 77: skipped, and it says why
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
    endif()
    set(run_output "${output}" PARENT_SCOPE)
endfunction()

macro(configure_consumer)  # what it said is in run_output, as after run()
    run(${CMAKE_COMMAND} -S "${CONSUMER}" -B "${work}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
        "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_CXX_FLAGS=${sanitize}" "-DCONSUME=${MODE}"
        "-DBERTH_VERSION=${VERSION}" ${ARGN})
endmacro()

macro(build_and_run_consumer)  # arguments: of cmake --build
    run(${CMAKE_COMMAND} --build "${work}" ${ARGN})
    run("${LAUNCHER}" "${work}/consumer")
    if(NOT run_output MATCHES "consumer: ")
        message(FATAL_ERROR "the consumer did not say what it should: ${run_output}")
    endif()
endmacro()

# expect_refusal(words... OPTIONS options of cmake...): configuring fails, and says each of these.
function(expect_refusal)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "OPTIONS")
    execute_process(COMMAND ${CMAKE_COMMAND} -S "${CONSUMER}" -B "${work}" -G "${GENERATOR}"
        "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${prefix}" "-DCONSUME=${MODE}" ${arg_OPTIONS}
        RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE errors)
    string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
    if(NOT result)
        message(FATAL_ERROR "what cannot be was accepted")
    endif()
    foreach(word IN LISTS arg_UNPARSED_ARGUMENTS)
        string(FIND "${errors}" "${word}" at)
        if(at EQUAL -1)
            message(FATAL_ERROR "it did not say \"${word}\", but: ${errors}")
        endif()
    endforeach()
endfunction()
