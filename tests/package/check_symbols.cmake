# What the libraries define: cmake -DNM= -DSTATIC= -DSHARED= -P check_symbols.cmake.
#
# The shared library exports berth:: and nothing else. Neither library carries an Asio executor or service: it is
# compiled without RTTI, programs are not, and a linker that keeps the wrong copy of such a function breaks them. (The
# backend on Asio has its own, berth_private_asio::, and the test sees to it that this is the name they have.)

function(read_symbols variable file)
    execute_process(COMMAND ${NM} ${ARGN} --demangle --defined-only "${file}" OUTPUT_VARIABLE out RESULT_VARIABLE result)
    if(result)
        message(FATAL_ERROR "${NM} failed on ${file}")
    endif()
    string(REPLACE ";" "," out "${out}")
    string(REPLACE "\n" ";" out "${out}")
    set(${variable} "${out}" PARENT_SCOPE)
endfunction()

set(faults "")

read_symbols(exported "${SHARED}" --dynamic)
set(ours ${exported})
list(FILTER ours INCLUDE REGEX "berth::")
if(NOT ours)
    message(FATAL_ERROR "${SHARED} exports nothing of berth")
endif()
foreach(symbol IN LISTS exported)
    # Weak and unique symbols (V, W, u) are inline things of the standard library and of Asio, alike in every program.
    if(symbol MATCHES "^[0-9a-f]+ [TDBR] " AND NOT symbol MATCHES "berth::")
        list(APPEND faults "exported: ${symbol}")
    endif()
endforeach()

read_symbols(defined "${STATIC}")
foreach(symbol IN LISTS defined)
    if(symbol MATCHES "(^|[^a-z_])asio::(execution::detail::any_executor|any_io_executor|detail::service_registry|execution_context)")
        list(APPEND faults "instantiated without RTTI: ${symbol}")
    endif()
endforeach()

if(faults)
    list(JOIN faults "\n" text)
    message(FATAL_ERROR "${text}")
endif()
list(LENGTH ours count)
message("${count} symbols of berth exported, no executor or service of Asio inside")
