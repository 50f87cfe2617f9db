# berth_test(name sources... [LABELS ...] [LIBS ...] [PROCESSORS n] [TIMEOUT seconds] [NIGHTLY VARIABLE=value...]
#     [OPTIMIZED] [PRECOMPILED headers...])
#
# One program of GoogleTest cases, run by tests/support/in_namespace. The first folder of its sources is its first
# label. LABELS both_privileges: as root it runs as it is and again, as name.unprivileged, without any capability.
# NIGHTLY: name.nightly is the same program with these environment variables, left out of ordinary runs.
#
# Tests are most of the time that a build takes, and compilers spend most of that on optimising what runs once: so they
# are compiled with -O1 and little debug information, but for those whose running is the work (OPTIMIZED). PRECOMPILED:
# headers that many sources of the test include.

# Without inlining g++ 12 warns of the frames of coroutines, and of Asio's futures, without cause.
set(berth_test_options -O1 -g1 -Wno-mismatched-new-delete -Wno-maybe-uninitialized)
set(berth_launcher_options "")
if(BERTH_SANITIZE MATCHES "thread")
    # The shadow memory of g++ 12's TSan clashes with the wide address randomisation of newer kernels.
    set(berth_launcher_options --fixed-addresses)
endif()

function(berth_add_run name labels)
    cmake_parse_arguments(PARSE_ARGV 2 run "" "PROCESSORS;TIMEOUT" "COMMAND;ENVIRONMENT")
    add_test(NAME ${name} COMMAND ${run_COMMAND})
    if(BERTH_SANITIZE MATCHES "thread")  # children of the tests start threads of their own
        list(APPEND run_ENVIRONMENT "TSAN_OPTIONS=die_after_fork=0")
    endif()
    if(NOT run_TIMEOUT)
        set(run_TIMEOUT 300)
    endif()
    if(NOT run_PROCESSORS)
        set(run_PROCESSORS 1)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${run_TIMEOUT} PROCESSORS ${run_PROCESSORS}
        ENVIRONMENT "${run_ENVIRONMENT}" SKIP_RETURN_CODE 77)
endfunction()

# berth_test_library(name sources... [LIBS ...]): what several tests share, included as "folder/name.hpp".
function(berth_test_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
    add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
    berth_build_flags(${name})
    target_compile_options(${name} PRIVATE ${berth_test_options})
    target_include_directories(${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC berth_internals ${arg_LIBS})
endfunction()

function(berth_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "OPTIMIZED" "PROCESSORS;TIMEOUT" "LABELS;LIBS;NIGHTLY;PRECOMPILED")
    set(sources ${arg_UNPARSED_ARGUMENTS})
    list(GET sources 0 first_source)
    string(REGEX REPLACE "/.*" "" labels "${first_source}")
    list(APPEND labels ${arg_LABELS})

    add_executable(${name} ${sources})
    berth_build_flags(${name})
    if(NOT arg_OPTIMIZED)
        target_compile_options(${name} PRIVATE ${berth_test_options})
    endif()
    if(arg_PRECOMPILED)
        target_precompile_headers(${name} PRIVATE ${arg_PRECOMPILED})
    endif()
    target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE berth_internals ${arg_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)

    set(limits PROCESSORS "${arg_PROCESSORS}" TIMEOUT "${arg_TIMEOUT}")
    set(launcher in_namespace ${berth_launcher_options})
    berth_add_run(${name} "${labels}" ${limits} COMMAND ${launcher} $<TARGET_FILE:${name}>)
    if("both_privileges" IN_LIST labels)
        berth_add_run(${name}.unprivileged "${labels}" ${limits}
            COMMAND ${launcher} --unprivileged $<TARGET_FILE:${name}>)
    endif()
    if(arg_NIGHTLY)
        berth_add_run(${name}.nightly "${labels};nightly" PROCESSORS "${arg_PROCESSORS}" TIMEOUT 3600
            COMMAND ${launcher} $<TARGET_FILE:${name}> ENVIRONMENT ${arg_NIGHTLY})
    endif()
endfunction()

# berth_skipped_test(name labels reason): what cannot be built here is reported as skipped, not left out.
function(berth_skipped_test name labels reason)
    berth_add_run(${name} "${labels}" COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${reason}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped:")
endfunction()

# berth_fuzz(name sources... [LIBS ...]): a fuzz target over fuzz/corpus/name, for seconds here, ten minutes at night.
function(berth_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
    set(target fuzz_${name})
    add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
    berth_build_flags(${target})
    target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${target} PRIVATE berth_internals ${arg_LIBS})
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        target_link_libraries(${target} PRIVATE berth_fuzz_main)
    endif()
    set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}")
    # libFuzzer writes what it finds to the first folder: not to the sources.
    set(found "${CMAKE_CURRENT_BINARY_DIR}/fuzz/${name}")
    file(MAKE_DIRECTORY "${found}")
    berth_add_run(fuzz.${name} fuzz COMMAND ${target} -max_total_time=2 "${found}" "${corpus}")
    berth_add_run(fuzz.${name}.nightly "fuzz;nightly" TIMEOUT 3600
        COMMAND ${target} -max_total_time=600 "${found}" "${corpus}")
endfunction()
