# berth as a part of somebody's own build: cmake -DMODE=subdirectory|fetch_source|fetch_git -P run_from_sources.cmake.

include("${CMAKE_CURRENT_LIST_DIR}/consumer_steps.cmake")

if(MODE STREQUAL "subdirectory")
    # What is built is looked at elsewhere; fetch_git builds all of it.
    configure_consumer("-DBERTH_SOURCE=${BERTH_SOURCE}" -DBERTH_COMPILE_TOGETHER=ON)
    build_and_run_consumer(--target consumer)
elseif(MODE STREQUAL "fetch_source")
    # FetchContent with the tree at hand, as CMake lets everybody override it; what is built is the same as above.
    configure_consumer(-DBERTH_REPOSITORY=nowhere "-DFETCHCONTENT_SOURCE_DIR_BERTH=${BERTH_SOURCE}")
    run(${CMAKE_COMMAND} --build "${work}" --target help)
    if(NOT run_output MATCHES "berth_static")
        message(FATAL_ERROR "the library is no part of the build: ${run_output}")
    endif()
elseif(MODE STREQUAL "fetch_git")
    # A repository of the tree as it is, and the library without what it can do without.
    find_program(git NAMES git)
    find_program(tar NAMES tar)
    if(NOT git OR NOT tar)
        message("skipped: no git, or no tar")
        return()
    endif()
    set(repository "${work}_repository")
    file(REMOVE_RECURSE "${repository}")
    file(MAKE_DIRECTORY "${repository}")
    run("${tar}" -C "${BERTH_SOURCE}" --exclude=./build "--exclude=./build-*" --exclude=./.git -cf "${repository}/all.tar" .)
    run("${tar}" -C "${repository}" -xf "${repository}/all.tar")
    file(REMOVE "${repository}/all.tar")
    set(in_repository "${git}" -C "${repository}" -c user.name=berth -c user.email=berth@localhost)
    run(${in_repository} init --quiet --initial-branch=main)
    run(${in_repository} add --all)
    run(${in_repository} commit --quiet --message "The tree as it is")
    configure_consumer("-DBERTH_REPOSITORY=file://${repository}" -DBERTH_COMPILE_TOGETHER=ON
        -DBERTH_WITH_IO_URING=OFF -DBERTH_WITH_MIMALLOC=OFF)
    build_and_run_consumer()
else()
    message(FATAL_ERROR "unknown MODE '${MODE}'")
endif()
