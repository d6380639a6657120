//! What the page calls: memory to write commands into, and one broker that takes them.
//!
//! The page writes into what [`alloc`] gives, calls [`tell`], reads the answer, and gives both back to [`dealloc`].

#![allow(unsafe_code)] // the page and the module share memory by address; nothing else here does

use crate::Playground;
use std::{alloc::Layout, cell::RefCell, slice};

thread_local! {
    /// A module has one thread, and one broker.
    static PLAYGROUND: RefCell<Playground> = RefCell::default();
}

/// Memory for so many bytes of commands.
#[unsafe(no_mangle)]
extern "C" fn alloc(length: usize) -> *mut u8 {
    match Layout::array::<u8>(length) {
        // SAFETY: the layout has a size.
        Ok(layout) if length > 0 => unsafe { std::alloc::alloc(layout) },
        _ => std::ptr::null_mut(),
    }
}

/// Gives memory back.
///
/// # Safety
/// It came from [`alloc`] or [`tell`] with this length.
#[unsafe(no_mangle)]
unsafe extern "C" fn dealloc(address: *mut u8, length: usize) {
    if let Ok(layout) = Layout::array::<u8>(length)
        && length > 0
        && !address.is_null()
    {
        // SAFETY: the caller says so.
        unsafe { std::alloc::dealloc(address, layout) };
    }
}

/// Does what commands in UTF-8 say. Gives the answer's address in the upper 32 bits, and its length in the lower ones.
///
/// # Safety
/// There are so many bytes at the address.
#[unsafe(no_mangle)]
unsafe extern "C" fn tell(address: *const u8, length: usize) -> u64 {
    let bytes = match length {
        0 => &[][..],
        // SAFETY: the caller says so.
        _ => unsafe { slice::from_raw_parts(address, length) },
    };
    let commands = String::from_utf8_lossy(bytes);
    let answer = PLAYGROUND.with_borrow_mut(|playground| playground.tell(&commands));
    let answer = Box::leak(answer.into_boxed_str().into_boxed_bytes());
    (answer.as_ptr() as usize as u64) << 32 | answer.len() as u64
}
