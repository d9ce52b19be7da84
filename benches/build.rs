//! Compiles the parts of DPDK's peers that are in C.

fn main() {
    println!("cargo::rerun-if-changed=dpdk");
    #[cfg(feature = "dpdk")]
    dpdk();
}

#[cfg(feature = "dpdk")]
#[expect(clippy::panic, reason = "a build script says so what is missing")]
fn dpdk() {
    let dpdk = match pkg_config::Config::new().cargo_metadata(false).probe("libdpdk") {
        Ok(dpdk) => dpdk,
        Err(error) => panic!("the feature `dpdk` needs DPDK (Debian: libdpdk-dev): {error}"),
    };
    // DPDK's headers use SSSE3 and expect its compiler flags, which pkg-config's crate leaves out.
    cc::Build::new()
        .file("dpdk/acl.c")
        .file("dpdk/bpf.c")
        .includes(&dpdk.include_paths)
        .flag("-march=corei7")
        // `rte_bpf_convert` counts as experimental.
        .define("ALLOW_EXPERIMENTAL_API", None)
        .opt_level(3)
        .compile("dpdk_peers");
    // Only these of DPDK's hundred libraries, and the compiler of filters.
    for library in ["rte_acl", "rte_bpf", "rte_eal", "pcap"] {
        println!("cargo::rustc-link-lib={library}");
    }
}
