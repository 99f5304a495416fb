//! The recordings themselves.

/// Names each file once: its name and its bytes.
macro_rules! files {
    ($($file:literal)*) => {
        &[$(($file, include_bytes!(concat!("../", $file)))),*]
    };
}

/// File name and content, in the order of the manifest. A test compares it with the folder.
pub(crate) const FILES: &[(&str, &[u8])] = files![
    "01-vlmcs-vlmcsd-v4-one-connection.pcap"
    "02-vlmcs-vlmcsd-v5-one-connection.pcap"
    "03-vlmcs-vlmcsd-v6-one-connection.pcap"
    "04-vlmcs-vlmcsd-products.pcap"
    "05-vlmcs-vlmcsd-connection-per-request.pcap"
    "07-vlmcs-vlmcsd-ndr64-on-btfn-on.pcap"
    "08-vlmcs-vlmcsd-ndr64-refused-by-server.pcap"
    "09-vlmcs-vlmcsd-ndr64-btfn-not-offered.pcap"
    "10-vlmcs-vlmcsd-btfn-refused-by-server.pcap"
    "11-vlmcs-vlmcsd-no-multiplex.pcap"
    "12-vlmcs-vlmcsd-fixed-epid-hwid-intervals.pcap"
    "13-vlmcs-vlmcsd-ipv6.pcap"
    "14-vlmcs-vlmcsd-count-from-empty.pcap"
    "15-vlmcs-vlmcsd-count-precharged.pcap"
    "16-vlmcs-vlmcsd-count-overcharge-671.pcap"
    "17-vlmcs-vlmcsd-strict-products.pcap"
    "18-vlmcs-vlmcsd-strict-time.pcap"
    "19-vlmcs-vlmcsd-bad-version-and-policy.pcap"
    "20-pykms-vlmcsd-products.pcap"
    "21-vlmcs-pykms-v4-v5-v6.pcap"
    "22-pykms-pykms-products.pcap"
    "25-mixed-linux-sll.pcap"
    "26-vlmcs-vlmcsd-concurrent.pcapng"
    "27-vlmcs-vlmcsd-nanosecond.pcap"
    "28-vlmcs-vlmcsd-snaplen-96.pcap"
    "29-vlmcs-vlmcsd-server-disconnects.pcap"
    "31-probe-vlmcsd-faults-and-odd-calls.pcap"
    "32-vlmcs-vlmcsd-vlan.pcap"
    "33-vlmcs-vlmcsd-tcp-out-of-order.pcap"
    "34-vlmcs-vlmcsd-midstream.pcap"
    "37-vlmcs-vlmcsd-linux-sll2.pcap"
];
