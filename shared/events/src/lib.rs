//! What wakes a function, as it arrives on the wire. Tells what is not for us from what is broken. No I/O.
