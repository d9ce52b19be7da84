//! Nothing but the tests of the whole program, in `whole/`.
