# A recipe for Conan 2, of the tree that it lies in: conan create cmake/packaging/conan
#
# Not tried yet: there was no Conan where berth is made. A test of the tree sees that it is Python, and that the version is
# CMakeLists.txt's. berthConfig.cmake, which the package brings, is what find_package finds: Conan makes none of its own.
import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir


class Berth(ConanFile):
    name = "berth"
    version = "0.1.0"
    description = "Reserved blocks of TCP and UDP ports for servers"
    license = "BSL-1.0"
    topics = ("network", "ports", "server", "asio", "io_uring")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "compat": [True, False]}
    default_options = {"shared": False, "compat": False}

    def export_sources(self):
        tree = os.path.join(self.recipe_folder, "..", "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "CHANGELOG.md", "cmake/*", "framework/*"):
            copy(self, pattern, tree, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("asio/[>=1.22 <2]", transitive_headers=True)
        if self.settings.os == "Linux":
            self.requires("liburing/[>=2.3 <3]")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["BUILD_SHARED_LIBS"] = bool(self.options.shared)
        toolchain.cache_variables["BERTH_WITH_COMPAT"] = bool(self.options.compat)
        for part in ("BUILD_TESTS", "BUILD_BENCH", "BUILD_EXAMPLES", "WITH_DAEMON", "BUILD_SERVICE", "WITH_MIMALLOC"):
            toolchain.cache_variables["BERTH_" + part] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        rmdir(self, os.path.join(self.package_folder, "share", "doc"))

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "berth")]
        self.cpp_info.libs = ["berth"]
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["pthread", "dl"]
