//! Telling the processor what will be read soon, a border file.
#![expect(unsafe_code, reason = "an instruction that takes an address")]

/// Bytes that a processor brings from memory at once.
const LINE: usize = 64;
/// No more are brought near at once: what comes after them the processor foresees by itself.
const MOST: usize = 2048;

/// Have bytes brought near while others are still waited for. A hint; what it costs is worth it
/// only where they are read next.
pub(crate) fn bring_near(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.get(..MOST).unwrap_or(bytes).chunks(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: nothing is read or written; the address is one of `bytes`.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, LINE, MOST);
}
