# berth_test(name sources... [LABELS ...] [LIBS ...] [PROCESSORS n] [TIMEOUT seconds] [NIGHTLY VARIABLE=value...]
#     [OPTIMIZED] [APART] [LINUX_ALONE reason | LINUX_ALSO sources... [LINUX_LIBS ...] BECAUSE reason])
#
# One program of GoogleTest cases, run by the system's launcher: tests/support/in_namespace, or tests/support/in_wine.sh.
# The folder of tests/ is its first label. LABELS both_privileges: as root it runs as it is and again, as
# name.unprivileged, without any capability. NIGHTLY: name.nightly is the same program with these environment
# variables, left out of ordinary runs.
#
# A test is every system's, unless it is said to be Linux' own, and why: LINUX_ALONE the whole program, LINUX_ALSO some
# of its sources. Elsewhere such a program is reported as skipped; cmake/columns.sh shows the reasons.
#
# Tests are most of the time that a build takes, and compilers spend much of that on optimising what runs once: so they
# are compiled with -Og and little debug information or none, but for those whose running is the work (OPTIMIZED).
# APART: its sources have names or macros in common, and are not compiled together; see cmake/compile_together.cmake.

set(berth_tests_dir "${CMAKE_CURRENT_LIST_DIR}")
find_program(BERTH_BASH bash REQUIRED)
mark_as_advanced(BERTH_BASH)

set(berth_test_options ${berth_optimise_little_options})
if(BERTH_COUNT_BRANCHES)  # a template has the same branches in the library and in its test
    list(TRANSFORM berth_test_options REPLACE -Og -O0)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(berth_system linux)
    set(berth_launcher in_namespace)
else()
    set(berth_system windows)
    set(berth_wine_prefix none)  # on Windows itself
    if(CMAKE_CROSSCOMPILING)
        set(berth_wine_prefix "${PROJECT_BINARY_DIR}/wine_prefix")
    endif()
    set(berth_launcher "${BERTH_BASH}" "${berth_tests_dir}/support/in_wine.sh" "${berth_wine_prefix}")
endif()

function(berth_add_run name labels)
    cmake_parse_arguments(PARSE_ARGV 2 run "" "PROCESSORS;TIMEOUT" "COMMAND;ENVIRONMENT")
    add_test(NAME ${name} COMMAND ${run_COMMAND})
    if(NOT run_TIMEOUT)
        set(run_TIMEOUT 300)
    endif()
    if(NOT run_PROCESSORS)
        set(run_PROCESSORS 1)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${run_TIMEOUT} PROCESSORS ${run_PROCESSORS}
        ENVIRONMENT "${run_ENVIRONMENT}" SKIP_RETURN_CODE 77)
    # The longest first: many of their seconds are waits for the kernel or the disk, beside which others run. Of those that
    # want both cores the ones that measure no time come before: later they would wait until all others have ended, for
    # one core comes free at a time. Those that do are left for then.
    if(name MATCHES "^(exactly_one_owner|hand_over|relay_scenario|reserve_under_attack|trap_flood)_test")
        set_tests_properties(${name} PROPERTIES COST 200)
    elseif(name MATCHES "^(descriptors_run_out|oracle_walk|provider|store)_test")
        set_tests_properties(${name} PROPERTIES COST 50)
    endif()
    if(berth_system STREQUAL "windows" AND name STREQUAL "pool_test")  # by Wine the longest
        set_tests_properties(${name} PROPERTIES COST 200)
    endif()
    if(berth_system STREQUAL "windows" AND CMAKE_CROSSCOMPILING)
        set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED wine_prefix)
    endif()
endfunction()

# berth_note_program(line...): a line of programs.txt, which cmake/columns.sh reads: the fields of one program.
function(berth_note_program)
    list(JOIN ARGN "|" line)
    set_property(GLOBAL APPEND_STRING PROPERTY berth_programs "${line}\n")
endfunction()

# berth_test_library(name sources... [LIBS ...]): what several tests share, included as "folder/name.hpp".
function(berth_test_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
    berth_together(sources ${name} SOURCES ${arg_UNPARSED_ARGUMENTS})
    add_library(${name} STATIC ${sources})
    berth_build_flags(${name})
    target_compile_options(${name} PRIVATE ${berth_test_options})
    target_include_directories(${name} PUBLIC "${berth_tests_dir}")
    target_link_libraries(${name} PUBLIC berth_internals ${arg_LIBS})
endfunction()

# berth_label(variable): the first label, which is the folder of tests/ that the entry is in.
function(berth_label variable)
    file(RELATIVE_PATH folder "${berth_tests_dir}" "${CMAKE_CURRENT_SOURCE_DIR}")
    string(REGEX REPLACE "/.*" "" folder "${folder}")
    set(${variable} "${folder}" PARENT_SCOPE)
endfunction()

function(berth_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "OPTIMIZED;APART" "PROCESSORS;TIMEOUT;LINUX_ALONE;BECAUSE"
        "LABELS;LIBS;NIGHTLY;LINUX_ALSO;LINUX_LIBS")
    set(sources ${arg_UNPARSED_ARGUMENTS})
    berth_label(labels)
    list(APPEND labels ${arg_LABELS})
    if(arg_LINUX_ALSO AND NOT arg_BECAUSE)
        message(FATAL_ERROR "${name}: LINUX_ALSO needs BECAUSE and a reason")
    endif()

    if(arg_LINUX_ALONE)
        berth_note_program(alone ${name} "${arg_LINUX_ALONE}")
        if(NOT berth_system STREQUAL "linux")
            berth_skipped_test(${name} "${labels}" "Linux alone: ${arg_LINUX_ALONE}")
            return()
        endif()
    else()
        berth_note_program(everywhere ${name})
    endif()
    foreach(source IN LISTS arg_LINUX_ALSO)
        berth_note_program(also ${name} "${source}" "${arg_BECAUSE}")
    endforeach()
    if(berth_system STREQUAL "linux")
        list(APPEND sources ${arg_LINUX_ALSO})
        list(APPEND arg_LIBS ${arg_LINUX_LIBS})
    endif()

    if(NOT arg_APART)
        berth_together(sources ${name} SOURCES ${sources})
    endif()
    add_executable(${name} ${sources})
    berth_build_flags(${name})
    if(NOT arg_OPTIMIZED)
        target_compile_options(${name} PRIVATE ${berth_test_options})
    endif()
    target_include_directories(${name} PRIVATE "${berth_tests_dir}")
    target_link_libraries(${name} PRIVATE berth_internals ${arg_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
    if(NOT arg_OPTIMIZED)
        berth_precompile_test_headers(${name})
    endif()
    if(TARGET berth_counts_of_children)
        target_link_libraries(${name} PRIVATE berth_counts_of_children)
    endif()

    set(limits PROCESSORS "${arg_PROCESSORS}" TIMEOUT "${arg_TIMEOUT}")
    set(launcher ${berth_launcher})
    berth_add_run(${name} "${labels}" ${limits} COMMAND ${launcher} $<TARGET_FILE:${name}>)
    if("both_privileges" IN_LIST labels AND berth_system STREQUAL "linux")
        berth_add_run(${name}.unprivileged "${labels}" ${limits}
            COMMAND ${launcher} --unprivileged $<TARGET_FILE:${name}>)
    endif()
    if(arg_NIGHTLY)
        set(limits PROCESSORS "${arg_PROCESSORS}" TIMEOUT 3600)
        berth_add_run(${name}.nightly "${labels};nightly" ${limits} COMMAND ${launcher} $<TARGET_FILE:${name}>
            ENVIRONMENT ${arg_NIGHTLY})
        if("both_privileges" IN_LIST labels)
            berth_add_run(${name}.unprivileged.nightly "${labels};nightly" ${limits}
                COMMAND ${launcher} --unprivileged $<TARGET_FILE:${name}> ENVIRONMENT ${arg_NIGHTLY})
        endif()
    endif()
endfunction()

# berth_daemon_test(...): a berth_test of berthd, or its name and why there is none.
function(berth_daemon_test name)
    if(BERTH_HAS_DAEMON OR NOT berth_system STREQUAL "linux")
        berth_test(${name} ${ARGN} LINUX_ALONE "berthd keeps ports for Linux")
    else()
        berth_label(label)
        berth_skipped_test(${name} "${label}" "no SQLite (Debian: libsqlite3-dev)")
    endif()
endfunction()

# berth_skipped_test(name labels reason): what cannot be built here is reported as skipped, not left out.
function(berth_skipped_test name labels reason)
    berth_add_run(${name} "${labels}" COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${reason}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped:" FIXTURES_REQUIRED "")
endfunction()

# berth_fuzz(name sources... [LIBS ...] [ALONE] [INCLUDES folders...]): a fuzz target over fuzz/corpus/name, for seconds
# here, ten minutes at night.
#
# ALONE: the sources are all that it needs, of the library headers at most, as a parser should be. Where the compiler
# is another but Clang is there too, Clang builds it: libFuzzer sees what the input reaches, and looks for errors of
# memory and undefined behaviour.
function(berth_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ALONE" "" "LIBS;INCLUDES")
    set(program fuzz_${name})
    if(arg_ALONE AND berth_fuzzing_clang)
        berth_fuzz_by_clang(program ${name} "${arg_UNPARSED_ARGUMENTS}" "${arg_INCLUDES}")
    else()
        add_executable(${program} ${arg_UNPARSED_ARGUMENTS})
        berth_build_flags(${program})
        target_include_directories(${program} PRIVATE "${berth_tests_dir}" ${arg_INCLUDES})
        target_link_libraries(${program} PRIVATE berth_internals ${arg_LIBS})
        if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
            target_compile_options(${program} PRIVATE -fsanitize=fuzzer)
            target_link_options(${program} PRIVATE -fsanitize=fuzzer)
        else()
            target_link_libraries(${program} PRIVATE berth_fuzz_main)
        endif()
    endif()
    set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
    set(options -error_exitcode=1)  # its own is 77, which ctest takes for a test that was skipped
    # libFuzzer writes what it finds to the first folder: not to the sources.
    set(found "${CMAKE_CURRENT_BINARY_DIR}/${name}")
    file(MAKE_DIRECTORY "${found}")
    # The same inputs in each run of the suite: what a fresh seed finds, it finds at night.
    berth_add_run(fuzz.${name} fuzz COMMAND ${program} ${options} -seed=1 -runs=100000 -max_total_time=3 "${found}" "${corpus}")
    berth_add_run(fuzz.${name}.nightly "fuzz;nightly" TIMEOUT 3600
        COMMAND ${program} ${options} -max_total_time=600 "${found}" "${corpus}")
endfunction()

# Where the compiler is not Clang itself: one that is there with its libFuzzer (Debian: clang, libclang-rt-14-dev).
set(berth_fuzzing_clang "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND berth_system STREQUAL "linux")
    find_program(BERTH_FUZZING_CLANG NAMES clang++ clang++-16 clang++-14 DOC "Builds the fuzz targets of parsers")
    mark_as_advanced(BERTH_FUZZING_CLANG)
    if(BERTH_FUZZING_CLANG)
        execute_process(COMMAND "${BERTH_FUZZING_CLANG}" -print-resource-dir
            OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE)
        file(GLOB runtime "${folder}/lib/linux/libclang_rt.fuzzer-*.a")
        if(runtime)
            set(berth_fuzzing_clang "${BERTH_FUZZING_CLANG}")
        endif()
    endif()
endif()

# The sources in one, so that one call says what it depends on.
function(berth_fuzz_by_clang variable name sources includes)
    set(lines "")
    set(depends "")
    foreach(source IN LISTS sources)
        get_filename_component(source "${source}" ABSOLUTE)
        string(APPEND lines "#include \"${source}\"\n")
        list(APPEND depends "${source}")
    endforeach()
    set(all "${CMAKE_CURRENT_BINARY_DIR}/fuzz_${name}_all.cpp")
    file(CONFIGURE OUTPUT "${all}" CONTENT "${lines}" @ONLY)
    set(program "${CMAKE_CURRENT_BINARY_DIR}/by_clang/fuzz_${name}")
    file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/by_clang")
    set(places "${berth_tests_dir}" "${PROJECT_SOURCE_DIR}/framework/include" "${Asio_INCLUDE_DIR}" ${includes})
    list(TRANSFORM places PREPEND "-I")
    add_custom_command(OUTPUT "${program}" DEPENDS "${all}" ${depends} DEPFILE "${program}.d"
        COMMAND "${berth_fuzzing_clang}" -std=c++20 -O1 -g -Wall -Wextra -DASIO_STANDALONE
            -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all ${places}
            -MMD -MF "${program}.d" -MT "${program}" "${all}" -o "${program}"
        COMMENT "Building fuzz_${name} with ${berth_fuzzing_clang}" VERBATIM)
    add_custom_target(fuzz_${name} ALL DEPENDS "${program}")
    set(${variable} "${program}" PARENT_SCOPE)
endfunction()
