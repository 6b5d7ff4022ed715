# SPDX-License-Identifier: BSD-2-Clause
"""A node without its kubelet: containerd, CNI's ptp, and pods by the Container Runtime Interface.

In the namespaces of who calls this, which have to be his own: mounts over what belongs to another containerd.
    with cri.Node(folder) as node:
        pod = node.pod("shop", "cart-5d4f")
        pod.create("app", "/usr/bin/python3", "-c", ...).start().pid
"""
import contextlib, hashlib, io, json, pathlib, subprocess, sys, tarfile, time, uuid

import grpc

import tap

SECONDS = 30
IMAGE, NETWORK = "docker.io/library/weir-test:latest", "10.99.0.0/24"
GATEWAY = "10.99.0.1"
CONFIG = """version = 2
root = "{folder}/root"
state = "{folder}/state"
oom_score = 0
[grpc]
  address = "{folder}/socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{folder}/cni"
"""
OWN = ("/run/containerd", "/run/netns", "/var/lib/cni")  # where containerd and CNI have things of theirs


def call(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


def messages(folder):
    """The module of cri.proto."""
    call("protoc", f"-I{pathlib.Path(__file__).parent}", f"--python_out={folder}", "cri.proto")
    sys.path.insert(0, str(folder))
    import cri_pb2
    return cri_pb2


def add(archive, name, data=None, **more):
    """A file; more: another kind of entry."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755
    entry.size = len(data or b"")
    for what, value in more.items():
        setattr(entry, what, value)
    archive.addfile(entry, io.BytesIO(data) if data is not None else None)


def tar(fill):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        fill(archive)
    return out.getvalue()


def image():
    """docker's archive of an image that sleeps, in which the host's /usr can be mounted."""
    def files(archive):
        add(archive, "busybox", pathlib.Path("/bin/busybox").read_bytes())
        add(archive, "usr", type=tarfile.DIRTYPE)
        for name in ("bin", "lib", "lib64"):
            add(archive, name, type=tarfile.SYMTYPE, linkname=f"usr/{name}")

    config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/busybox", "sleep", "3600"]},
              "rootfs": {"type": "layers", "diff_ids": []}}
    layer = tar(files)
    config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(layer).hexdigest())

    def parts(archive):
        add(archive, "layer.tar", layer)
        add(archive, "config.json", json.dumps(config).encode())
        add(archive, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode())

    return tar(parts)


class Container:
    def __init__(self, node, ident):
        self.node, self.id = node, ident

    def start(self):
        self.node.call("StartContainer", self.node.m.ContainerId(container_id=self.id), self.node.m.Empty)
        return self

    @property
    def pid(self):
        """Of its first process, as the host numbers it."""
        status = self.node.call("ContainerStatus", self.node.m.ContainerStatusRequest(container_id=self.id, verbose=True),
                                self.node.m.ContainerStatusResponse)
        return json.loads(status.info["info"])["pid"]


class Pod:
    """Its logs are where the kubelet has them, its control groups as the kubelet calls them."""

    def __init__(self, node, namespace, name, host_network):
        m = node.m
        self.node, self.uid, self.number = node, str(uuid.uuid4()), 0
        self.namespaces = m.NamespaceOption(network=m.NODE if host_network else m.POD, pid=m.CONTAINER, ipc=m.POD)
        self.config = m.PodSandboxConfig(
            metadata=m.PodSandboxMetadata(name=name, uid=self.uid, namespace=namespace), hostname="" if host_network else name,
            log_directory=str(node.logs / f"{namespace}_{name}_{self.uid}"),
            linux=m.LinuxPodSandboxConfig(cgroup_parent=f"/kubepods/burstable/pod{self.uid}",
                                          security_context=m.LinuxSandboxSecurityContext(namespace_options=self.namespaces)))
        self.id = node.call("RunPodSandbox", m.RunPodSandboxRequest(config=self.config), m.PodSandboxId).pod_sandbox_id

    @property
    def ip(self):
        m = self.node.m
        return self.node.call("PodSandboxStatus", m.PodSandboxId(pod_sandbox_id=self.id), m.PodSandboxStatusResponse).status.network.ip

    def create(self, name, *command):
        m = self.node.m
        (pathlib.Path(self.config.log_directory) / name).mkdir(parents=True)
        config = m.ContainerConfig(
            metadata=m.ContainerMetadata(name=name), image=m.ImageSpec(image=IMAGE), command=command, log_path=f"{name}/0.log",
            mounts=[m.Mount(container_path="/usr", host_path="/usr", readonly=True)],
            linux=m.LinuxContainerConfig(security_context=m.LinuxContainerSecurityContext(namespace_options=self.namespaces)))
        made = self.node.call("CreateContainer", m.CreateContainerRequest(pod_sandbox_id=self.id, config=config, sandbox_config=self.config),
                              m.ContainerId)
        meta = self.config.metadata
        link = self.node.container_logs / f"{meta.name}_{meta.namespace}_{name}-{made.container_id}.log"
        link.symlink_to(pathlib.Path(self.config.log_directory) / config.log_path)
        return Container(self.node, made.container_id)

    def log(self, name):
        """What a container has written: its lines without time, stream and tag."""
        path = pathlib.Path(self.config.log_directory) / name / "0.log"
        return [line.split(" ", 3)[3] for line in path.read_text().splitlines()]

    def remove(self):
        for what in ("StopPodSandbox", "RemovePodSandbox"):
            self.node.call(what, self.node.m.PodSandboxId(pod_sandbox_id=self.id), self.node.m.Empty)
        for parent in pathlib.Path("/sys/fs/cgroup").glob(f"**/kubepods/burstable/pod{self.uid}"):
            for group in (parent, *list(parent.parents)[:2]):
                with contextlib.suppress(OSError):  # another pod's is in there
                    group.rmdir()


class Node:
    def __init__(self, folder):
        self.folder, self.pods = folder, []
        self.logs, self.container_logs = folder / "pods", folder / "containers"
        self.m = messages(folder)
        for part in ("pods", "containers", "cni"):
            (folder / part).mkdir()
        (folder / "cni/10-ptp.conflist").write_text(json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [
            {"type": "ptp", "ipam": {"type": "host-local", "subnet": NETWORK, "dataDir": f"{folder}/addresses",
                                     "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        (folder / "config.toml").write_text(CONFIG.format(folder=folder, image=IMAGE))
        (folder / "image.tar").write_bytes(image())

    def __enter__(self):

        for place in OWN:
            pathlib.Path(place).mkdir(parents=True, exist_ok=True)
            call("mount", "-t", "tmpfs", "tmpfs", place)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(["containerd", "-c", self.folder / "config.toml"], stdout=log, stderr=log)
        try:
            self.channel = grpc.insecure_channel(f"unix://{self.folder}/socket")
            grpc.channel_ready_future(self.channel).result(timeout=SECONDS)
            call("ctr", "--address", self.folder / "socket", "--namespace", "k8s.io", "images", "import", "--snapshotter", "native",
                 self.folder / "image.tar")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *why):
        if kind:
            print("#", *(self.folder / "log").read_text().splitlines()[-20:], sep="\n# ")
        try:
            for pod in self.pods:
                pod.remove()
        finally:
            self.channel.close()
            self.process.terminate()
            self.process.wait(timeout=20)

    def call(self, what, request, answer):
        method = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{what}", request_serializer=type(request).SerializeToString,
                                          response_deserializer=answer.FromString)
        return method(request, timeout=SECONDS)

    def pod(self, namespace, name, host_network=False):
        self.pods.append(Pod(self, namespace, name, host_network))
        return self.pods[-1]
