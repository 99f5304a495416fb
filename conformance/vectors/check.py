#!/usr/bin/env python3
"""Checks the vectors of this folder with an implementation of their own: standard library only, ciphers included.

    check.py [DIR]

Prints each test whose result this implementation does not find, and exits 1 if there is one.
"""

import hashlib
import hmac
import json
import pathlib
import re
import struct
import sys

MASK = (1 << 64) - 1

# --- Rijndael with a 128-bit block. Source: FIPS 197; the AES proposal for other key sizes.


def xtime(value):
    value <<= 1
    return value ^ 0x11B if value & 0x100 else value


def times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = xtime(a), b >> 1
    return product


def make_sbox():
    inverse = [0] * 256
    for a in range(1, 256):
        for b in range(1, 256):
            if times(a, b) == 1:
                inverse[a] = b
                break
    box = []
    for value in inverse:
        out = 0x63
        for shift in range(5):
            out ^= (value << shift | value >> (8 - shift)) & 0xFF
        box.append(out)
    return box


SBOX = make_sbox()
UNBOX = [SBOX.index(value) for value in range(256)]
MUL = {factor: [times(value, factor) for value in range(256)] for factor in (1, 2, 3, 9, 11, 13, 14)}


class Rijndael:
    def __init__(self, key, tweaks=()):
        words = [list(key[at : at + 4]) for at in range(0, len(key), 4)]
        nk = len(words)
        self.rounds = nk + 6
        rcon = 1
        while len(words) < 4 * (self.rounds + 1):
            word = list(words[-1])
            if len(words) % nk == 0:
                word = [SBOX[value] for value in word[1:] + word[:1]]
                word[0] ^= rcon
                rcon = xtime(rcon)
            words.append([a ^ b for a, b in zip(word, words[-nk])])
        self.keys = [sum(words[at : at + 4], []) for at in range(0, len(words), 4)]
        for tweak in tweaks:
            self.keys[tweak["round"]][tweak["byte"]] ^= tweak["value"]

    @staticmethod
    def mix(state, row):
        out = []
        for at in range(0, 16, 4):
            column = state[at : at + 4]
            for turn in range(4):
                value = 0
                for nth in range(4):
                    value ^= MUL[row[(nth - turn) % 4]][column[nth]]
                out.append(value)
        return out

    def encrypt(self, block):
        state = [a ^ b for a, b in zip(block, self.keys[0])]
        for number in range(1, self.rounds + 1):
            state = [SBOX[value] for value in state]
            state = [state[(at + 4 * (at % 4)) % 16] for at in range(16)]
            if number != self.rounds:
                state = self.mix(state, (2, 3, 1, 1))
            state = [a ^ b for a, b in zip(state, self.keys[number])]
        return bytes(state)

    def decrypt(self, block):
        state = list(block)
        for number in range(self.rounds, 0, -1):
            state = [a ^ b for a, b in zip(state, self.keys[number])]
            if number != self.rounds:
                state = self.mix(state, (14, 11, 13, 9))
            state = [state[(at - 4 * (at % 4)) % 16] for at in range(16)]
            state = [UNBOX[value] for value in state]
        return bytes(a ^ b for a, b in zip(state, self.keys[0]))


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def cbc_decrypt(cipher, iv, data):
    out = b""
    for at in range(0, len(data), 16):
        block = data[at : at + 16]
        out += xor(cipher.decrypt(block), iv)
        iv = block
    return out


def cbc_mac(cipher, message):
    message += b"\x80"
    message += bytes(-len(message) % 16)
    state = bytes(16)
    for at in range(0, len(message), 16):
        state = cipher.encrypt(xor(state, message[at : at + 16]))
    return state


def time_hmac(group, time, message):
    """The tags that a verifier takes."""
    divisor, multiplier, addend = (int(group[name]) for name in ("divisor", "multiplier", "addend"))
    for turn in (0, -1, 1):
        slot = ((time // divisor + turn) * multiplier + addend) & MASK
        key = hashlib.sha256(struct.pack("<Q", slot)).digest()[16:]
        yield hmac.new(key, message, hashlib.sha256).digest()[16:]


# --- Messages. Each function gives the set of rules that are broken.


def open_sealed(cipher, message):
    """The decrypted IV and the plaintext, of IV and ciphertext."""
    whole = cbc_decrypt(cipher, bytes(16), message)
    return whole[:16], whole[16:]


def unpad(plain):
    last = plain[-1] if plain else 0
    if 1 <= last <= 16 and plain.endswith(bytes([last]) * last):
        return plain[:-last]
    return None


def cipher_of(group):
    return Rijndael(bytes.fromhex(group["key"]), group.get("roundKeyXor", ()))


def request_body_rules(body):
    vm, status = struct.unpack_from("<II", body, 4)
    broken = set()
    if vm > 1:
        broken.add("message.vm-flag-range")
    if status > 6:
        broken.add("message.license-status-range")
    if body[71] >> 4 != 4 or body[72] >> 6 != 2:
        broken.add("message.cmid-v4")
    units = struct.unpack_from("<64H", body, 108)
    if 0 not in units or any(units[units.index(0) :]):
        broken.add("message.workstation-terminated")
    return broken


def check_request(group, message):
    """The rules broken, and the body."""
    if group["version"] == 4:
        if len(message) != 252:
            return {"message.size"}, None
        body = message[:236]
        broken = request_body_rules(body)
        if cbc_mac(cipher_of(group), body) != message[236:]:
            broken.add("crypto.v4-mac")
        return broken, body
    if len(message) != 260:
        return {"message.size"}, None
    _, plain = open_sealed(cipher_of(group), message[4:])
    body = plain[:236]
    broken = request_body_rules(body)
    if plain[236:] != b"\x04" * 4:
        broken.add("crypto.padding")
    if body[:4] != message[:4]:
        broken.add("message.version-agrees")
    return broken, body


EPID = re.compile(r"\d{5}-\d{5}-\d{3}-\d{6}-\d\d-\d{1,5}-\d{4,5}\.\d{4}-(\d{3})\d{4}")


def epid_rules(epid):
    broken = set()
    if len(epid) % 2 or not 4 <= len(epid) <= 128:
        broken.add("message.pid-size")
    units = struct.unpack("<%dH" % (len(epid) // 2), epid[: len(epid) // 2 * 2])
    if 0 not in units or units.index(0) != len(units) - 1:
        broken.add("message.pid-terminated")
    if not broken:
        match = EPID.fullmatch(epid[:-2].decode("utf-16-le"))
        if not match or not 1 <= int(match[1]) <= 366:
            broken.add("message.pid-grammar")
    return broken


def check_response(group, message):
    """The rules broken, and the body."""
    request = bytes.fromhex(group["request"])
    version = group["version"]
    cipher = cipher_of(group)
    if version == 4:
        asked, d, plain, content = request[:236], None, message, message
    else:
        if len(message) < 36 or len(message) % 16 != 4:
            return {"message.size"}, None
        d, asked = open_sealed(cipher, request[4:])
        e, plain = open_sealed(cipher, message[4:])
        content = unpad(plain)
    proof = {4: 16, 5: 48, 6: 88}[version]
    if len(plain) < 44 + proof:
        return {"message.size"}, None
    size = struct.unpack_from("<I", plain, 4)[0]
    end = 44 + size
    if size > len(plain) - 44 - proof:
        return {"message.size"}, None
    body, rest = plain[:end], plain[end : end + proof]
    broken = epid_rules(body[8 : 8 + size])
    behind = body[8 + size :]
    if content is None:
        broken.add("crypto.padding")
    elif len(content) != end + proof:
        broken.add("message.size")
    if body[:4] != message[:4]:
        broken.add("message.version-agrees")
    if body[:4] != asked[:4] or message[:4] != request[:4]:
        broken.add("message.echo-version")
    if behind[:16] != asked[64:80]:
        broken.add("message.echo-cmid")
    if behind[16:24] != asked[84:92]:
        broken.add("message.echo-time")
    if not all(15 <= minutes <= 43200 for minutes in struct.unpack_from("<II", behind, 28)):
        broken.add("message.intervals-range")
    if version == 4:
        if rest != cbc_mac(cipher, body):
            broken.add("crypto.v4-mac")
        return broken, body
    if hashlib.sha256(xor(rest[:16], d)).digest() != rest[16:48]:
        broken.add("crypto.v%d-hash" % version)
    if version == 5:
        if message[4:20] != request[4:20]:
            broken.add("crypto.v5-iv-echo")
        return broken, body
    if message[4:20] == request[4:20]:
        broken.add("crypto.v6-iv-fresh")
    if rest[56:72] != d:
        broken.add("crypto.v6-iv-proof")
    time = struct.unpack_from("<Q", behind, 16)[0]
    if rest[72:] not in time_hmac(group, time, e + body + rest[:72]):
        broken.add("crypto.v6-hmac")
    return broken, body


# --- Stubs and PDUs. What does not fit is a struct.error or a ValueError.


class Octets:
    """Reads in order; fails where octets are missing."""

    def __init__(self, octets, order="<"):
        self.octets, self.at, self.order = octets, 0, order

    def take(self, count):
        if self.at + count > len(self.octets):
            raise ValueError("truncated")
        self.at += count
        return self.octets[self.at - count : self.at]

    def number(self, form):
        return struct.unpack(self.order + form, self.take(struct.calcsize(form)))[0]

    def rest(self):
        return self.take(len(self.octets) - self.at)

    def syntax(self):
        first, second, third = (self.number(form) for form in "IHH")
        last = self.take(8).hex()
        version = self.number("I")  # one number, major version in its low half (C706 12.6.3.1; Samba and tshark, too)
        return "%08x-%04x-%04x-%s-%s/%d.%d" % (first, second, third, last[:4], last[4:], version & 0xFFFF, version >> 16)

    def uuid(self):
        first, second, third = (self.number(form) for form in "IHH")
        last = self.take(8).hex()
        return "%08x-%04x-%04x-%s-%s" % (first, second, third, last[:4], last[4:])


def stub_reader(group, stub):
    wide = group["syntax"].upper().endswith("64")
    reader = Octets(stub)
    size = reader.number("I")
    gap = reader.take(4) if wide else b""
    return reader, "Q" if wide else "I", size, gap


def check_request_stub(group, test):
    reader, word, size, gap = stub_reader(group, bytes.fromhex(test["stub"]))
    if reader.number(word) != size:
        return "invalid"
    if reader.take(size).hex() != test.get("content"):
        return "other content"
    return "acceptable" if any(gap) or reader.rest() else "valid"


def check_response_stub(group, test):
    reader, word, size, gap = stub_reader(group, bytes.fromhex(test["stub"]))
    content, padding = None, b""
    if reader.number(word):
        if reader.number(word) != size:
            return "invalid"
        content = reader.take(size)
        padding = reader.take(-size % 4)
    value = reader.number("I")
    if (content is None) != (value != 0) or content is None and size:
        return "invalid"
    if test.get("returnValue") != value or (content.hex() if content is not None else None) != test.get("content"):
        return "other content"
    return "acceptable" if any(gap) or any(padding) or reader.rest() else "valid"


def read_bind(reader, fields):
    fields["max_xmit_frag"], fields["max_recv_frag"] = reader.number("H"), reader.number("H")
    fields["assoc_group_id"] = reader.number("I")
    count = reader.number("B")
    reader.take(3)
    fields["p_context_elem"] = elements = []
    for _ in range(count):
        element = {"p_cont_id": reader.number("H")}
        syntaxes = reader.number("B")
        reader.take(1)
        element["abstract_syntax"] = reader.syntax()
        element["transfer_syntaxes"] = [reader.syntax() for _ in range(syntaxes)]
        elements.append(element)


def read_bind_ack(reader, fields):
    fields["max_xmit_frag"], fields["max_recv_frag"] = reader.number("H"), reader.number("H")
    fields["assoc_group_id"] = reader.number("I")
    fields["sec_addr"] = reader.take(reader.number("H")).hex()
    reader.take(-reader.at % 4)
    count = reader.number("B")
    reader.take(3)
    fields["p_result_list"] = [
        {"result": reader.number("H"), "reason": reader.number("H"), "transfer_syntax": reader.syntax()}
        for _ in range(count)
    ]


def read_bind_nak(reader, fields):
    fields["provider_reject_reason"] = reader.number("H")
    fields["versions"] = [reader.take(2).hex() for _ in range(reader.number("B"))]
    fields["trailing"] = reader.rest().hex()


def read_request(reader, fields):
    for name, form in (("alloc_hint", "I"), ("p_cont_id", "H"), ("opnum", "H")):
        fields[name] = reader.number(form)
    if fields["pfc_flags"] & 0x80:
        fields["object"] = reader.uuid()
    fields["stub"] = reader.rest().hex()


def read_response(reader, fields):
    for name, form in (("alloc_hint", "I"), ("p_cont_id", "H"), ("cancel_count", "B"), ("reserved", "B")):
        fields[name] = reader.number(form)
    fields["stub"] = reader.rest().hex()


def read_fault(reader, fields):
    for name, form in (("alloc_hint", "I"), ("p_cont_id", "H"), ("cancel_count", "B"), ("flags", "B"), ("status", "I")):
        fields[name] = reader.number(form)
    fields["reserved"] = reader.take(4).hex()
    fields["stub"] = reader.rest().hex()


def read_other(reader, fields):
    fields["body"] = reader.rest().hex()


READERS = {
    0: read_request, 2: read_response, 3: read_fault, 11: read_bind, 12: read_bind_ack, 13: read_bind_nak,
    14: read_bind, 15: read_bind_ack,
}  # fmt: skip


def read_pdu(pdu):
    order = ">" if len(pdu) > 4 and pdu[4] >> 4 == 0 else "<"
    reader = Octets(pdu, order)
    fields = {name: reader.number("B") for name in ("rpc_vers", "rpc_vers_minor", "PTYPE", "pfc_flags")}
    fields["packed_drep"] = reader.take(4).hex()
    fields["frag_length"], fields["auth_length"] = reader.number("H"), reader.number("H")
    fields["call_id"] = reader.number("I")
    if fields["frag_length"] != len(pdu):
        raise ValueError("frag_length")
    body, verifier = reader.rest(), None
    if fields["auth_length"]:
        start = len(body) - fields["auth_length"] - 8
        if start < 0:
            raise ValueError("auth_length")
        trailer = Octets(body[start:], order)
        kind, level, pad = (trailer.number("B") for _ in range(3))
        trailer.take(1)
        if pad > start:
            raise ValueError("auth_pad_length")
        verifier = {"auth_pad": body[start - pad : start].hex(), "auth_type": kind, "auth_level": level}
        verifier["auth_context_id"] = trailer.number("I")
        verifier["auth_value"] = trailer.rest().hex()
        body = body[: start - pad]
    inner = Octets(pdu[:16] + body, order)
    inner.take(16)
    READERS.get(fields["PTYPE"], read_other)(inner, fields)
    if verifier:
        fields["auth_verifier"] = verifier
    return fields


def check_pdu(_group, test):
    fields = read_pdu(bytes.fromhex(test["pdu"]))
    if fields["rpc_vers"] != 5:
        return "invalid"
    if fields["rpc_vers_minor"] or fields["packed_drep"] not in ("10000000", "00000000"):
        return "acceptable"
    return "valid" if fields == test.get("fields") else "other fields: %r" % fields


# --- Tests.

TOLERABLE = {
    "message.vm-flag-range", "message.license-status-range", "message.cmid-v4", "message.workstation-terminated",
    "message.pid-grammar", "message.intervals-range",
}  # fmt: skip
NOISE = {"WrongKey", "UntweakedSchedule"}


def check_message(check, group, test):
    broken, body = check(group, bytes.fromhex(test["message"]))
    if NOISE & set(test["flags"]):
        return "invalid" if broken - TOLERABLE else "noise taken for a message"
    if broken != set(test["rules"]):
        return "rules %s" % sorted(broken)
    if body is not None and "body" in test and body.hex() != test["body"]:
        return "another body"
    if not broken:
        return "valid"
    return "acceptable" if broken <= TOLERABLE else "invalid"


def check_cipher(group, test):
    cipher, msg, ct = cipher_of(group), bytes.fromhex(test["msg"]), bytes.fromhex(test["ct"])
    forth, back = cipher.encrypt(msg) == ct, cipher.decrypt(ct) == msg
    if forth != back:
        return "encryption and decryption disagree"
    return "valid" if forth else "invalid"


def check_cbc_mac(group, test):
    tag = cbc_mac(cipher_of(group), bytes.fromhex(test["msg"])).hex()
    return "valid" if tag == test["tag"] else "invalid"


def check_hmac(group, test):
    tags = time_hmac(group, int(test["clientTime"]), bytes.fromhex(test["msg"]))
    return "valid" if bytes.fromhex(test["tag"]) in tags else "invalid"


CHECKS = {
    "BlockCipherTest": check_cipher,
    "CbcMacTest": check_cbc_mac,
    "TimeHmacTest": check_hmac,
    "RequestTest": lambda group, test: check_message(check_request, group, test),
    "ResponseTest": lambda group, test: check_message(check_response, group, test),
    "RequestStubTest": check_request_stub,
    "ResponseStubTest": check_response_stub,
    "PduTest": check_pdu,
}


def judge(group, test):
    try:
        return CHECKS[group["type"]](group, test)
    except ValueError:
        return "invalid"


# --- The part of JSON Schema that schema.json uses.

KINDS = {"object": dict, "array": list, "string": str, "integer": int}


def conform(schema, root, value, place):
    """What does not conform, as texts."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "type" in schema and not isinstance(value, KINDS[schema["type"]]):
        return ["%s is no %s" % (place, schema["type"])]
    bad = []
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        bad.append("%s is %r" % (place, value))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        bad.append("%s does not match %s" % (place, schema["pattern"]))
    if "minimum" in schema and value < schema["minimum"] or "maximum" in schema and value > schema["maximum"]:
        bad.append("%s is %r" % (place, value))
    bad += ["%s lacks %s" % (place, name) for name in schema.get("required", ()) if name not in value]
    if isinstance(value, dict):
        others = schema.get("additionalProperties", True)
        for name, inner in value.items():
            rule = schema.get("properties", {}).get(name, others)
            if rule is False:
                bad.append("%s has %s" % (place, name))
            elif rule is not True:
                bad += conform(rule, root, inner, "%s.%s" % (place, name))
    if isinstance(value, list) and "items" in schema:
        for nth, inner in enumerate(value):
            bad += conform(schema["items"], root, inner, "%s[%d]" % (place, nth))
    return bad


def check_file(path, schema):
    """How many tests agree, and what does not."""
    book = json.loads(path.read_text(encoding="utf-8"))
    bad = ["%s: %s" % (path.name, text) for text in conform(schema, schema, book, "file")]
    number = 0
    for group in book["testGroups"]:
        for test in group["tests"]:
            number += 1
            if test["tcId"] != number:
                bad.append("%s: tcId %d stands in place %d" % (path.name, test["tcId"], number))
            bad += ["%s %d: %s is not explained" % (path.name, number, flag) for flag in test["flags"] if flag not in book["notes"]]
            got = judge(group, test)
            if got != test["result"]:
                bad.append("%s %d: %s: %s, found %s" % (path.name, number, test["comment"], test["result"], got))
    if number != book["numberOfTests"]:
        bad.append("%s: numberOfTests is %d, not %d" % (path.name, book["numberOfTests"], number))
    return number, bad


def main(arguments):
    folder = pathlib.Path(arguments[1] if len(arguments) > 1 else pathlib.Path(__file__).parent)
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    total, bad = 0, []
    for path in sorted(folder.glob("*.json")):
        if path.name != "schema.json":
            number, found = check_file(path, schema)
            total, bad = total + number, bad + found
    for text in bad:
        print(text)
    print("%d tests agree" % total if not bad else "%d of %d tests or files disagree" % (len(bad), total))
    return 1 if bad or not total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
