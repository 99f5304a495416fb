use super::parse::File;

macro_rules! file {
    ($path:literal, $area:literal) => {
        (
            $path,
            $area,
            include_str!(concat!("../../catalogue/", $path)),
        )
    };
}

/// Every area, in the order of reports: from the header of a PDU to what a client does in weeks.
pub(super) const FILES: &[File] = &[
    file!("rpc/header.toml", "rpc.header"),
    file!("rpc/bind.toml", "rpc.bind"),
    file!("rpc/nak.toml", "rpc.nak"),
    file!("rpc/btfn.toml", "rpc.btfn"),
    file!("rpc/fragsize.toml", "rpc.fragsize"),
    file!("rpc/assoc.toml", "rpc.assoc"),
    file!("rpc/alter.toml", "rpc.alter"),
    file!("rpc/state.toml", "rpc.state"),
    file!("rpc/request.toml", "rpc.request"),
    file!("rpc/response.toml", "rpc.response"),
    file!("rpc/fault.toml", "rpc.fault"),
    file!("rpc/fragment.toml", "rpc.fragment"),
    file!("rpc/cancel.toml", "rpc.cancel"),
    file!("rpc/orphaned.toml", "rpc.orphaned"),
    file!("rpc/auth.toml", "rpc.auth"),
    file!("rpc/stream.toml", "rpc.stream"),
    file!("rpc/robust.toml", "rpc.robust"),
    file!("rpc/ndr.toml", "rpc.ndr"),
    file!("rpc/ndr64.toml", "rpc.ndr64"),
    file!("stub.toml", "rpc.stub"),
    file!("message.toml", "message"),
    file!("crypto.toml", "crypto"),
    file!("policy.toml", "policy"),
    file!("deployment.toml", "deployment"),
    file!("discovery.toml", "discovery"),
    file!("replay.toml", "replay"),
    file!("rpc/client.toml", "rpc.client"),
    file!("client.toml", "client"),
];

/// Names for what other entries say in detail.
pub(super) const ALIASES: File = file!("aliases.toml", "");

/// Words in capitals.
pub(super) const TERMS: File = file!("terms.toml", "");
