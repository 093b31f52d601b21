//! The embedded database of Picturerail.

/// The version of the C interface that this library speaks.
#[unsafe(no_mangle)]
pub extern "C" fn prdb_abi_version() -> u32 {
    1
}
