// The disk of the simulation as SQLite's file system.
#pragma once

namespace berth::simulation {

/// From now on SQLite's default, for the whole process: of the disk that exists when a file is opened. Also begins its
/// random numbers anew.
void use_simulated_disk();

}  // namespace berth::simulation
