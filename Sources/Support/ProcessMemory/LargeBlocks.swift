import CLinux

/// Large blocks of the allocator.
package enum LargeBlocks {
    /// Returns freed blocks of a mebibyte and more to the kernel immediately, from now on.
    ///
    /// Otherwise the allocator raises this threshold up to 32 MiB (mallopt(3)), and large events leave gaps in the heap that stay resident.
    /// Called before the first thread is started.
    package static func returnWhenFreed() {
        mallopt(M_MMAP_THRESHOLD, 1 << 20)
        // The default that the threshold implies.
        mallopt(M_TRIM_THRESHOLD, 2 << 20)
    }
}
