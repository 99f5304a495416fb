"""Drives a KMS host with impacket's DCE/RPC client.

    impacket_client.py ADDRESS PORT VERSION REQUEST-IN-HEX

Prints one line for each step; any other outcome than the expected one is an exception.
"""

import struct
import sys

from impacket.dcerpc.v5 import transport
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.uuid import uuidtup_to_bin

KMS = uuidtup_to_bin(("51c82175-844e-4750-b0d8-ec255555bc06", "1.0"))


def connect(address, port):
    dce = transport.DCERPCTransportFactory("ncacn_ip_tcp:%s[%s]" % (address, port)).get_dce_rpc()
    dce.connect()
    return dce


def main(address, port, version, request):
    request = bytes.fromhex(request)
    stub = struct.pack("<II", len(request), len(request)) + request

    dce = connect(address, port)
    dce.bind(KMS)
    print("bind: accepted")
    for turn in ("call", "again"):
        dce.call(0, stub)
        answer = dce.recv()
        size, referent, count = struct.unpack_from("<III", answer)
        (status,) = struct.unpack("<I", answer[-4:])
        assert (size, status) == (count, 0) and referent, answer
        minor, major = struct.unpack_from("<HH", answer, 12)
        assert (major, minor) == (int(version), 0), answer
        assert len(answer) == 12 + size + -size % 4 + 4, answer
        print("%s: version %d.%d, status %d" % (turn, major, minor, status))

    dce.call(5, stub)
    try:
        dce.recv()
        raise AssertionError("opnum 5 was answered")
    except DCERPCException as error:
        print("opnum 5: %s" % str(error).split(": ")[-1])
    dce.disconnect()

    dce = connect(address, port)
    try:
        dce.bind(uuidtup_to_bin(("11111111-2222-3333-4444-555555555555", "1.0")))
        raise AssertionError("an unknown interface was accepted")
    except DCERPCException as error:
        print("unknown interface: %s" % error)
    dce.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
