#![doc = include_str!("../README.md")]

pub mod walmart;

/// The pages of the book, for the compiler.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../add-a-provider.md")]
    mod add_a_provider {}
    #[doc = include_str!("../../bound-tokens.md")]
    mod bound_tokens {}
    #[doc = include_str!("../../quick-start.md")]
    mod quick_start {}
    #[doc = include_str!("../../stores.md")]
    mod stores {}
    #[doc = include_str!("../../testing.md")]
    mod testing {}
    #[doc = include_str!("../../token-life.md")]
    mod token_life {}
    #[doc = include_str!("../../using-the-token.md")]
    mod using_the_token {}
    #[doc = include_str!("../../vendor-files.md")]
    mod vendor_files {}
    #[doc = include_str!("../../../README.md")]
    mod readme {}
}
