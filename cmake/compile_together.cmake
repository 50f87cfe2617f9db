# Three ways to a build in half the time, for development: compilers spend most of it on headers that hundreds of
# sources include, and on optimising what runs once. What the first two could hide, a missing include, is seen where
# both are off: in the preset release, and for the public headers by the test headers.alone.
#
# BERTH_COMPILE_TOGETHER: sources of one target go through the compiler several at a time, which also makes the same
# templates once. BERTH_PRECOMPILE: Asio, GoogleTest and much of the standard library are read once for all tests.
# BERTH_OPTIMISE_LITTLE: programs whose speed nobody asks for are compiled with -Og, and they and the tests without
# debug information (a tenth of the time), unless a sanitizer is to name lines.

# Without inlining g++ 12 warns of the frames of coroutines, and of Asio's futures, without cause.
set(berth_optimise_little_options -Og -g1 -Wno-mismatched-new-delete -Wno-maybe-uninitialized)
if(BERTH_OPTIMISE_LITTLE AND NOT BERTH_SANITIZE)
    list(TRANSFORM berth_optimise_little_options REPLACE -g1 -g0)
endif()

# berth_together(variable name SOURCES sources... [AT_ONCE n]): the sources, or a few files that include them all.
# Names are as they are spelled here: not where the clone is, so that a compiler cache knows them from another clone.
function(berth_together variable name)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "AT_ONCE" "SOURCES")
    list(LENGTH arg_SOURCES count)
    if(NOT BERTH_COMPILE_TOGETHER OR count EQUAL 1)
        set(${variable} ${arg_SOURCES} PARENT_SCOPE)
        return()
    endif()
    if(NOT arg_AT_ONCE)
        set(arg_AT_ONCE 8)
    endif()
    math(EXPR pieces "(${count} + ${arg_AT_ONCE} - 1) / ${arg_AT_ONCE}")
    set(number 0)
    foreach(source IN LISTS arg_SOURCES)  # neighbours stay together, and the pieces are of one size
        math(EXPR piece "${number} * ${pieces} / ${count}")
        string(APPEND text_${piece} "#include \"${source}\"\n")
        math(EXPR number "${number} + 1")
    endforeach()
    set(files "")
    math(EXPR last "${pieces} - 1")
    foreach(piece RANGE ${last})
        set(file "${CMAKE_CURRENT_BINARY_DIR}/together/${name}_${piece}.cpp")
        file(CONFIGURE OUTPUT "${file}" CONTENT "${text_${piece}}")
        set_source_files_properties("${file}" PROPERTIES INCLUDE_DIRECTORIES "${CMAKE_CURRENT_SOURCE_DIR}")
        list(APPEND files "${file}")
    endforeach()
    set(${variable} ${files} PARENT_SCOPE)
endfunction()

# berth_precompile_test_headers(target): the first target makes them, the others, whose options are the same, read them.
function(berth_precompile_test_headers target)
    if(NOT BERTH_PRECOMPILE)
        return()
    endif()
    get_property(maker GLOBAL PROPERTY berth_test_headers)
    if(maker)
        target_precompile_headers(${target} REUSE_FROM ${maker})
    else()
        target_precompile_headers(${target} PRIVATE <asio.hpp> <gtest/gtest.h> <algorithm> <atomic> <chrono> <filesystem>
            <fstream> <functional> <iostream> <map> <random> <set> <span> <sstream> <thread>)
        set_property(GLOBAL PROPERTY berth_test_headers ${target})
    endif()
    # ccache takes no part in it unless it is told to.
    if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -fpch-preprocess)
        set_property(TARGET ${target} PROPERTY CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
            "CCACHE_SLOPPINESS=pch_defines,time_macros" "${CMAKE_CXX_COMPILER_LAUNCHER}")
    endif()
endfunction()

# berth_optimise_little(directory [EXCEPT regex]): every target of the folder and of those in it, but for these names.
function(berth_optimise_little directory)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXCEPT" "")
    if(NOT BERTH_OPTIMISE_LITTLE)
        return()
    endif()
    get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
    if(arg_EXCEPT)
        list(FILTER targets EXCLUDE REGEX "${arg_EXCEPT}")
    endif()
    foreach(target IN LISTS targets)
        get_target_property(type ${target} TYPE)
        if(type MATCHES "EXECUTABLE|STATIC_LIBRARY")
            target_compile_options(${target} PRIVATE ${berth_optimise_little_options})
        endif()
    endforeach()
    get_property(folders DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
    foreach(folder IN LISTS folders)
        berth_optimise_little("${folder}" EXCEPT "${arg_EXCEPT}")
    endforeach()
endfunction()
