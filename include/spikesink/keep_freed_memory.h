#pragma once

namespace [[gnu::visibility("default")]] spikesink {

/// For programs: has the C library keep memory that is freed for what is asked for next, where that
/// can be told (glibc). A pass frees and asks for the same few sizes again and again; giving each
/// back to the system and having its pages cleared anew takes a tenth of the time. Concerns the
/// whole process.
void keep_freed_memory();

}  // namespace spikesink
