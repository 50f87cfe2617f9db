# Whether berth::service is built: BERTH_BUILD_SERVICE ON (it must), OFF, or AUTO (on Linux, if berth is the top-level
# project and its packages are there). Sets BERTH_HAS_SERVICE.

set(BERTH_HAS_SERVICE OFF)
if(NOT BERTH_BUILD_SERVICE OR (BERTH_BUILD_SERVICE STREQUAL "AUTO" AND NOT berth_is_top_level))
    return()
endif()
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    if(NOT BERTH_BUILD_SERVICE STREQUAL "AUTO")
        message(FATAL_ERROR "BERTH_BUILD_SERVICE=${BERTH_BUILD_SERVICE}: berth::service is for Linux alone; leave it out")
    endif()
    return()
endif()

set(berth_service_missing "")
function(berth_service_needs package version debian)
    find_package(${package} ${version} QUIET)  # no version: any
    if(NOT ${package}_FOUND)
        set(berth_service_missing ${berth_service_missing} "${debian}" PARENT_SCOPE)
    endif()
endfunction()
berth_service_needs(CLI11 2.1 libcli11-dev)
berth_service_needs(spdlog 1.10 libspdlog-dev)
berth_service_needs(prometheus-cpp "" prometheus-cpp-dev)  # it does not say its version
berth_service_needs(nlohmann_json 3.9 nlohmann-json3-dev)
if(NOT berth_service_missing)
    set(BERTH_HAS_SERVICE ON)
else()
    list(JOIN berth_service_missing " " berth_service_missing)
    if(BERTH_BUILD_SERVICE STREQUAL "AUTO")
        message(STATUS "berth::service is left out: missing are (Debian's names) ${berth_service_missing}")
    else()
        message(FATAL_ERROR
            "BERTH_BUILD_SERVICE=${BERTH_BUILD_SERVICE}, but missing are (Debian's names) ${berth_service_missing}")
    endif()
endif()
