# The port of the tree that it lies in; see vcpkg.json, also for what has been tried of it (not vcpkg itself).
#
# Both libraries are always built; the triplet's linkage says which one is berth::berth.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS feature_options FEATURES
    service BERTH_BUILD_SERVICE
    compat BERTH_WITH_COMPAT)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS
    ${feature_options}
    -DBERTH_BUILD_TESTS=OFF
    -DBERTH_BUILD_BENCH=OFF
    -DBERTH_BUILD_EXAMPLES=OFF
    -DBERTH_WITH_DAEMON=OFF
    -DBERTH_WITH_MIMALLOC=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME berth CONFIG_PATH lib/cmake/berth)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share"
    "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/berth")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
