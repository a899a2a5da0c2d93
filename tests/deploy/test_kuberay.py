"""The manifest of a Ray cluster on Kubernetes: valid, with a token, and of the version that the lock has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DOCUMENTS = list(YAML(typ="safe").load_all((ROOT / "deploy/kuberay.yaml").read_text(encoding="utf-8")))
CLUSTER, POLICY = DOCUMENTS
VERSION = "1.34"
# What KubeRay's definition of a RayCluster takes, beside the templates of pods, which Kubernetes defines itself.
OF_SPEC = {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"}
OF_GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def groups() -> Iterator[dict[str, Any]]:
    yield CLUSTER["spec"]["headGroupSpec"]
    yield from CLUSTER["spec"]["workerGroupSpecs"]


def pods() -> list[dict[str, Any]]:
    named = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}}
    return [{**named, "spec": group["template"]["spec"]} for group in groups()]


@pytest.mark.parametrize("document", [POLICY, *pods()], ids=["policy", "head", "worker"])
def test_what_kubernetes_defines_is_valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_a_misspelt_key_would_be_refused() -> None:
    pod = pods()[0]
    pod["spec"] = pod["spec"] | {"automountServiceAccountTokn": False}
    with pytest.raises(kubernetes_validate.ValidationError, match="automountServiceAccountTokn"):
        kubernetes_validate.validate(pod, VERSION, strict=True)


def test_what_kuberay_defines_has_its_names_and_types() -> None:
    assert (CLUSTER["apiVersion"], CLUSTER["kind"]) == ("ray.io/v1", "RayCluster")
    assert set(CLUSTER["spec"]) == OF_SPEC
    assert CLUSTER["spec"]["authOptions"] == {"mode": "token"}
    for group in groups():
        assert set(group) <= OF_GROUP
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    for group in CLUSTER["spec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_each_pod_is_probed_at_a_port_that_it_has_without_rays_dashboard() -> None:
    head, worker = groups()
    for group, ports in ((head, {6379, 10001}), (worker, {int(worker["rayStartParams"]["node-manager-port"])})):
        (container,) = group["template"]["spec"]["containers"]
        probes = [container["livenessProbe"], container["readinessProbe"]]
        assert {probe["tcpSocket"]["port"] for probe in probes} == ports


def test_the_cluster_has_the_version_of_ray_that_the_lock_has() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (locked,) = re.findall(r"^ray(?:\[.*\])?==([\d.]+)", lock, re.MULTILINE)
    assert CLUSTER["spec"]["rayVersion"] == locked


def test_no_pod_may_become_root_or_talk_to_kubernetes() -> None:
    for pod in pods():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in pod["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
