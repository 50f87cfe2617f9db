# Warnings and sanitizers for berth's own targets. Nothing here reaches a program that links to berth.

function(berth_build_flags target)
    target_compile_features(${target} PRIVATE cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion $<$<BOOL:${BERTH_WERROR}>:-Werror>)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # g++ 12 sees overlapping copies inside std::string::insert that cannot happen (its bug 105651).
        target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
    if(BERTH_SANITIZE)
        # vptr checks need RTTI, which the library is built without.
        target_compile_options(${target} PRIVATE -fsanitize=${BERTH_SANITIZE} -fno-sanitize=vptr
            -fno-sanitize-recover=all -fno-omit-frame-pointer)
        if(BERTH_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
            target_compile_options(${target} PRIVATE -Wno-tsan)  # Asio's fences, which berth does not rely on
        endif()
        target_link_options(${target} PUBLIC $<BUILD_INTERFACE:-fsanitize=${BERTH_SANITIZE}>)
    endif()
endfunction()
