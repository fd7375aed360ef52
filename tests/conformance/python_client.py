"""What a program with Python's `kubernetes` does, in order. Prints `ok` at the end; says what is not as it should be."""
import sys

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.stream import stream

config.load_kube_config(sys.argv[1])
core, apps = client.CoreV1Api(), client.AppsV1Api()
NS = "default"


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, wanted {wanted!r}")


def typed():
    meta = client.V1ObjectMeta(name="py", labels={"a": "1"})
    made = core.create_namespaced_config_map(NS, client.V1ConfigMap(metadata=meta, data={"k": "1"}))
    core.patch_namespaced_config_map("py", NS, {"data": {"k": "2"}})
    core.patch_namespaced_config_map("py", NS, [{"op": "add", "path": "/data/j", "value": "3"}])
    expect("patched", core.read_namespaced_config_map("py", NS).data, {"k": "2", "j": "3"})
    try:
        core.replace_namespaced_config_map("py", NS, made)
    except client.ApiException as error:
        expect("a stale write", (error.status, error.reason), (409, "Conflict"))
    else:
        sys.exit("a stale write was taken")
    return made.metadata.resource_version


def watched(since):
    seen = []
    for event in watch.Watch().stream(core.list_namespaced_config_map, NS, resource_version=since, label_selector="a=1", timeout_seconds=20):
        seen.append((event["type"], (event["object"].data or {}).get("k")))
        if len(seen) == 2:
            core.delete_namespaced_config_map("py", NS)
        if event["type"] == "DELETED":
            break
    expect("watched", seen, [("MODIFIED", "2"), ("MODIFIED", "2"), ("DELETED", "2")])


def dynamically():
    api = dynamic.DynamicClient(client.ApiClient())
    crds = api.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "snakes", "singular": "snake", "kind": "Snake"}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "snakes.py.example"},
           "spec": {"group": "py.example", "scope": "Namespaced", "names": names, "versions": [version]}}
    crds.create(body=crd)
    api.resources.invalidate_cache()
    snakes = api.resources.get(api_version="py.example/v1", kind="Snake")
    snake = {"apiVersion": "py.example/v1", "kind": "Snake", "metadata": {"name": "s"}, "spec": {"n": 1}}
    snakes.create(body=snake, namespace=NS)
    applied = snakes.server_side_apply(body={**snake, "spec": {"n": 2}}, name="s", namespace=NS, field_manager="py", force_conflicts=True)
    expect("applied", (applied.spec.n, applied.metadata.managedFields[0].operation), (2, "Apply"))
    expect("listed", [item.metadata.name for item in snakes.get(namespace=NS).items], ["s"])
    snakes.delete(name="s", namespace=NS)
    crds.delete(name="snakes.py.example")


def run_in_a_pod():
    container = client.V1Container(name="main", image="app:1", command=["sleep", "1000"])
    spec = client.V1PodSpec(containers=[container], termination_grace_period_seconds=0)
    core.create_namespaced_pod(NS, client.V1Pod(metadata=client.V1ObjectMeta(name="py"), spec=spec))
    for event in watch.Watch().stream(core.list_namespaced_pod, NS, field_selector="metadata.name=py", timeout_seconds=60):
        if event["object"].status.phase == "Running":
            break
    words = {"stderr": True, "stdin": False, "stdout": True, "tty": False}
    said = stream(core.connect_get_namespaced_pod_exec, "py", NS, command=["sh", "-c", "echo hi; echo oh >&2"], **words)
    expect("said", sorted(said.split()), ["hi", "oh"])
    talk = stream(core.connect_get_namespaced_pod_exec, "py", NS, command=["sh", "-c", "read a; exit $a"], _preload_content=False, **{**words, "stdin": True})
    talk.write_stdin("7\n")
    talk.run_forever(timeout=20)
    expect("exit code", talk.returncode, 7)
    core.delete_namespaced_pod("py", NS)


def scaled(name, replicas):
    """The controller may write its first status between the read and the write: then both are repeated."""
    for _ in range(10):
        scale = apps.read_namespaced_deployment_scale(name, NS)
        scale.spec.replicas = replicas
        try:
            return apps.replace_namespaced_deployment_scale(name, NS, scale)
        except client.ApiException as error:
            expect("why the write was refused", error.reason, "Conflict")
    sys.exit("every write came too late")


def from_yaml():
    utils.create_from_dict(client.ApiClient(), {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "py"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"a": "py"}}, "template": {"metadata": {"labels": {"a": "py"}}, "spec": {"containers": [{"name": "m", "image": "app:1"}]}}}}, namespace=NS)
    expect("scaled", scaled("py", 2).spec.replicas, 2)
    apps.delete_namespaced_deployment("py", NS)


watched(typed())
dynamically()
from_yaml()
run_in_a_pod()
print("ok")
