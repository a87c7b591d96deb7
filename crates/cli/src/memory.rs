/// Lets this process keep memory that is freed and use it again. Many checkpoints are measured one after the other, in
/// arrays of tens of megabytes that the C library would give back to the system and have cleared again for each. It is to be
/// called before other threads start.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "no library tells the C library what to do with memory that is freed")]
    {
        let settings = [(libc::M_MMAP_MAX, 0), (libc::M_TRIM_THRESHOLD, i32::MAX), (libc::M_ARENA_MAX, 1)];
        for (setting, value) in settings {
            // SAFETY: it takes two numbers and sets one of the allocator's own. One that it refuses changes nothing.
            unsafe { libc::mallopt(setting, value) };
        }
    }
}
