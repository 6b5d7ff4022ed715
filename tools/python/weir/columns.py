# SPDX-License-Identifier: BSD-2-Clause
"""The two vocabularies: the documented attributes of 2019 (seed) and NFStream 6.5's columns."""

SIDES = ("bidirectional", "src2dst", "dst2src")
FLAGS = ("syn", "cwr", "ece", "urg", "ack", "psh", "rst", "fin")

SEED = ("flow_id", "first_seen", "last_seen", "nfhash", "version", "src_port", "dst_port", "protocol", "vlan_id",
        "src_ip", "dst_ip", "ip_src", "ip_dst", "total_packets", "total_bytes", "duration", "src2dst_packets",
        "src2dst_bytes", "dst2src_packets", "dst2src_bytes", "expiration_id")
SEED_APPLICATION = ("master_protocol", "app_protocol", "application_name", "category_name", "client_info",
                    "server_info", "j3a_client", "j3a_server")

NFSTREAM = ("id", "expiration_id", "src_ip", "src_mac", "src_oui", "src_port", "dst_ip", "dst_mac", "dst_oui",
            "dst_port", "protocol", "ip_version", "vlan_id", "tunnel_id",
            *(f"{side}_{what}" for side in SIDES
              for what in ("first_seen_ms", "last_seen_ms", "duration_ms", "packets", "bytes")))
NFSTREAM_APPLICATION = ("application_name", "application_category_name", "application_is_guessed",
                        "application_confidence", "requested_server_name", "client_fingerprint",
                        "server_fingerprint", "user_agent", "content_type")

STATISTICS = (*(f"{side}_{what}_{unit}" for unit in ("ps", "piat_ms") for side in SIDES
                for what in ("min", "mean", "stddev", "max")),
              *(f"{side}_{flag}_packets" for side in SIDES for flag in FLAGS))
SPLT = ("splt_direction", "splt_ps", "splt_piat_ms")
SYSTEM = ("system_process_pid", "system_process_name")

# One value, two names: 2019's and 6.5's.
SAME = {"first_seen": "bidirectional_first_seen_ms", "last_seen": "bidirectional_last_seen_ms",
        "duration": "bidirectional_duration_ms", "total_packets": "bidirectional_packets",
        "total_bytes": "bidirectional_bytes", "version": "ip_version", "category_name": "application_category_name"}
OTHER_NAME = {**SAME, **{new: old for old, new in SAME.items()}}

# Made of other columns when it is read, so that records need not carry it.
DERIVED = ("src_oui", "dst_oui", "ip_src", "ip_dst", "nfhash")

# Columns of which one tells another, as `weir --anonymize` has them: who hides one of them hides all.
KEY_HASHES = {"nfhash", "community_id"}
ADDRESSES = {"src_ip", "dst_ip", "ip_src", "ip_dst", *KEY_HASHES}
RELATIVES = (
    ADDRESSES, {"src_mac", "src_oui", "src_mac_vendor"}, {"dst_mac", "dst_oui", "dst_mac_vendor"},
    {"ingress_interface", "ingress_ifindex"}, {"egress_interface", "egress_ifindex"},
    {*SYSTEM}, {"application_name", "master_protocol", "app_protocol"},
    {"client_info", "requested_server_name", "url"}, {"client_fingerprint", "j3a_client", "hassh_client"},
    {"server_fingerprint", "j3a_server", "hassh_server"}, {"application_confidence", "confidence_name"},
    {"risk", "risk_names"}, {"first_seen", "bidirectional_first_seen_ms", "first_seen_ns", "src2dst_first_seen_ms"},
    {"last_seen", "bidirectional_last_seen_ms", "last_seen_ns", "src2dst_last_seen_ms", "dst2src_last_seen_ms"}, {"src2dst_tos", "src2dst_dscp"}, {"dst2src_tos", "dst2src_dscp"})
# What the hashes of a flow's key are made of besides addresses: few values, soon tried.
KEY = {"src_port", "dst_port", "protocol", "vlan_id", "icmp_type", "icmp_code"}


def tells(name, hidden):
    """Whether who sees the column name knows the one that is to be hidden."""
    return (name == hidden or OTHER_NAME.get(name) == hidden or name in KEY_HASHES and hidden in KEY or
            any(name in group and hidden in group for group in RELATIVES))


def own(seed, tunnels, statistics, splt, dissect, more=()):
    """The columns of a mode, in its order: keys(), print(), CSV and DataFrames."""
    names = list(SEED if seed else NFSTREAM)
    if not tunnels and not seed:
        names.remove("tunnel_id")
    application = SEED_APPLICATION if seed else NFSTREAM_APPLICATION
    # The order of the command's profiles: the applications of seed stand before what is switched on.
    names += application if dissect and seed else ()
    names += STATISTICS if statistics else ()
    names += SPLT if splt else ()
    names += application if dissect and not seed else ()
    return names + [name for name in more if name not in names]


def carried(seed, tunnels, statistics, splt, dissect, more=()):
    """What records carry so that a flow answers to the names of both modes."""
    wanted = []
    for mode in (seed, not seed):
        wanted += own(mode, tunnels, statistics, splt, dissect)
    wanted += more
    names = []
    for name in wanted:
        if name in DERIVED and not (seed and name in SEED) and name not in more:
            continue
        if name not in names and OTHER_NAME.get(name) not in names:
            names.append(name)
    return names
