"""Which ports listen, and on which addresses. By hand: `ss -lntup`."""

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

from midwatch.adapters.tools.context import Context

_LISTED_MAX = 300
DATA_PORTS: Mapping[int, str] = {
    1433: "SQL Server",
    1521: "Oracle",
    2375: "Docker without TLS",
    2379: "etcd",
    3306: "MySQL",
    5432: "PostgreSQL",
    5984: "CouchDB",
    6379: "Redis",
    8500: "Consul",
    9042: "Cassandra",
    9200: "Elasticsearch",
    10250: "kubelet",
    11211: "memcached",
    27017: "MongoDB",
}
"""Ports of data stores and control interfaces, which rarely mean to be reachable from elsewhere."""


def ports(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return the listening sockets, those beyond loopback first."""
    import psutil

    try:
        connections = psutil.net_connections(kind="inet")
    except (psutil.Error, OSError):
        return _empty()
    names: dict[int, str] = {}
    listening: dict[tuple[str, str, int], dict[str, Any]] = {}
    for each in connections:
        is_tcp = each.type == socket.SOCK_STREAM
        if not each.laddr or each.raddr or (is_tcp and each.status != psutil.CONN_LISTEN):
            continue
        protocol = "tcp" if is_tcp else "udp"
        address, port = each.laddr[0].partition("%")[0], each.laddr[1]
        listening[protocol, address, port] = {
            "protocol": protocol,
            "address": address,
            "port": port,
            "exposed": is_exposed(address),
            "service": DATA_PORTS.get(port, "") if is_tcp else "",
            "process": _name(each.pid, names),
        }
    found = sorted(listening.values(), key=lambda item: (not item["exposed"], item["port"], item["address"]))
    return {
        "available": True,
        "listening": found[:_LISTED_MAX],
        "count": len(found),
        "exposed_count": sum(item["exposed"] for item in found),
        "data_exposed_count": sum(item["exposed"] and item["service"] != "" for item in found),
        "unreadable": sum(item["process"] == "" for item in found),
    }


def _empty() -> dict[str, Any]:
    return {
        "available": False,
        "listening": [],
        "count": 0,
        "exposed_count": 0,
        "data_exposed_count": 0,
        "unreadable": 0,
    }


def is_exposed(address: str) -> bool:
    """Return whether an address can be reached from another host."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return True
    mapped = getattr(found, "ipv4_mapped", None)
    return not (mapped or found).is_loopback


def _name(pid: int | None, names: dict[int, str]) -> str:
    """Return the name of a process; empty where this user may not see whose socket it is."""
    import psutil

    if pid is None:
        return ""
    if pid not in names:
        try:
            names[pid] = psutil.Process(pid).name().encode(errors="replace").decode()[:80]
        except psutil.Error:
            names[pid] = ""
    return names[pid]
