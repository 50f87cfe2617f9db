// Build-dependent spellings, and the only place that defines BERTH_ macros.
//
// BERTH_DECL marks what a shared library exports. Nothing else in the public headers depends on how or where
// berth was built: differences between systems are facts, asked for at run time (capabilities.hpp).
#pragma once

#if defined(BERTH_SHARED_LINKING) || defined(BERTH_BUILDING_SHARED)
#if defined(__GNUC__) && !defined(_WIN32)
#define BERTH_DECL __attribute__((visibility("default")))
#elif defined(BERTH_BUILDING_SHARED)
#define BERTH_DECL __declspec(dllexport)
#else
#define BERTH_DECL __declspec(dllimport)
#endif
#else
#define BERTH_DECL
#endif
