//! Compiles the part of the rte_acl peer that is in C.

fn main() {
    println!("cargo::rerun-if-changed=acl/acl.c");
    #[cfg(feature = "rte-acl")]
    rte_acl();
}

#[cfg(feature = "rte-acl")]
#[expect(clippy::panic, reason = "a build script says so what is missing")]
fn rte_acl() {
    let dpdk = match pkg_config::Config::new().cargo_metadata(false).probe("libdpdk") {
        Ok(dpdk) => dpdk,
        Err(error) => panic!("the feature `rte-acl` needs DPDK (Debian: libdpdk-dev): {error}"),
    };
    // DPDK's headers use SSSE3 and expect its compiler flags, which pkg-config's crate leaves out.
    cc::Build::new()
        .file("acl/acl.c")
        .includes(&dpdk.include_paths)
        .flag("-march=corei7")
        .opt_level(3)
        .compile("acl_peer");
    // Only these two of DPDK's hundred libraries.
    for library in ["rte_acl", "rte_eal"] {
        println!("cargo::rustc-link-lib={library}");
    }
}
