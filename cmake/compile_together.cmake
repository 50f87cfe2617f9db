# Two ways to a build in half the time, both for development: compilers spend most of it on headers that hundreds of
# sources include. What they could hide, a missing include, is seen where both are off: in the preset release, and
# for the library and the public headers by the tests package.subdirectory and headers.alone.
#
# BERTH_COMPILE_TOGETHER: sources of one target go through the compiler several at a time, which also makes the same
# templates once. BERTH_PRECOMPILE: Asio, GoogleTest and much of the standard library are read once for all tests.

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
