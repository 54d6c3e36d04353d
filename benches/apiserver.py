#!/usr/bin/env python3
"""Light API servers: lists that never change and watches on which nothing happens, over TLS, as large as real clusters.

What a portal keeps of a cluster depends on what the lists say, not on who says it; five real control planes with two
thousand pods each would take the machine for themselves. Objects have the shape and the size of real ones, managed fields
included. The first cluster has the objects of Argo CD: an application for each service and environment.

As a program it serves every cluster in one process and prints where they are as one line of JSON:
  apiserver.py FOLDER --clusters 5 --pods 2000 --services 100 --environments dev,staging,prod
"""

import argparse
import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PODS_OF_A_WORKLOAD = 4
OLD_REPLICA_SETS = 2
EVENTS = 300
WHEN = "2026-05-04T10:00:00Z"
VERSION = {"major": "1", "minor": "35", "gitVersion": "v1.35.0", "platform": "linux/amd64"}
# path: kind of the list
PATHS = {
    "/api/v1/pods": "Pod", "/api/v1/services": "Service", "/api/v1/events": "Event",
    "/apis/apps/v1/deployments": "Deployment", "/apis/apps/v1/replicasets": "ReplicaSet",
    "/apis/apps/v1/statefulsets": "StatefulSet", "/apis/apps/v1/daemonsets": "DaemonSet",
    "/apis/batch/v1/jobs": "Job", "/apis/batch/v1/cronjobs": "CronJob",
    "/apis/networking.k8s.io/v1/ingresses": "Ingress",
    "/apis/autoscaling/v2/horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "/apis/argoproj.io/v1alpha1/applications": "Application",
}


def service_name(number):
    return f"service-{number:03}"


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Cluster:
    """What is on one cluster."""

    def __init__(self, number, pods, services, environments):
        self.name = f"cluster-{number}"
        # A service is on every cluster, in the environment that the cluster is for.
        self.environment = environments[number % len(environments)]
        self.services, self.environments = services, environments
        self.kinds = {kind: [] for kind in PATHS.values()}
        for workload in range(pods // PODS_OF_A_WORKLOAD):
            self._workload(workload)
        for number_of_event in range(EVENTS):
            self._event(number_of_event)
        if number == 0:
            for service in range(services):
                for environment in environments:
                    self.kinds["Application"].append(self._application(service, environment))
        # As text they take a tenth of the memory, and a list is only joined.
        self.kinds = {kind: [json.dumps(one) for one in objects] for kind, objects in self.kinds.items()}

    def _uid(self, *words):
        text = hashlib.md5("/".join((self.name, *map(str, words))).encode()).hexdigest()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _labels(self, workload):
        name = service_name(workload % self.services)
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name, "app.kubernetes.io/version": "1.4.2",
                "app.kubernetes.io/component": "server", "app.kubernetes.io/part-of": "shop",
                "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": f"{name}-1.4.2", "backstage.io/kubernetes-id": name,
                "environment": self.environment}

    def _metadata(self, name, workload, owner=None, labels=None):
        about = {"name": name, "namespace": f"team-{workload % 20}-{self.environment}", "uid": self._uid(name),
                 "resourceVersion": "4711", "generation": 3, "creationTimestamp": WHEN,
                 "labels": self._labels(workload) if labels is None else labels,
                 "annotations": {"deployment.kubernetes.io/revision": "3", "checksum/config": digest(name),
                                 "prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
                 "managedFields": [managed("argocd-controller", "Apply"), managed("kube-controller-manager", "Update"),
                                   managed("kubelet", "Update")]}
        if owner:
            about["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1],
                                         "uid": self._uid(owner[1]), "controller": True, "blockOwnerDeletion": True}]
        return about

    def _workload(self, number):
        service = service_name(number % self.services)
        name = service if number < self.services else f"{service}-worker-{number // self.services}"
        image = f"registry.acme.example/acme/{service}:1.4.2"
        template = {"metadata": {"labels": self._labels(number)}, "spec": pod_spec(image, None)}
        status = {"observedGeneration": 3, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4, "availableReplicas": 4,
                  "conditions": [condition("Available", "MinimumReplicasAvailable"),
                                 condition("Progressing", "NewReplicaSetAvailable")]}
        spec = {"replicas": PODS_OF_A_WORKLOAD, "selector": {"matchLabels": self._labels(number)}, "template": template}
        self.kinds["Deployment"].append({"metadata": self._metadata(name, number), "spec": spec, "status": status})
        for old in range(OLD_REPLICA_SETS + 1):
            replica_set = f"{name}-{digest(name + str(old))[7:16]}"
            now = {"replicas": 4, "readyReplicas": 4, "availableReplicas": 4} if old == 0 else {"replicas": 0}
            self.kinds["ReplicaSet"].append({
                "metadata": self._metadata(replica_set, number, ("Deployment", name)),
                "spec": {**spec, "replicas": now["replicas"]}, "status": now})
        newest = f"{name}-{digest(name + '0')[7:16]}"
        for pod in range(PODS_OF_A_WORKLOAD):
            node = f"ip-10-0-{pod}-{number % 60}.eu-central-1.compute.internal"
            pod_name = f"{newest}-{digest(newest + str(pod))[7:12]}"
            labels = {**self._labels(number), "pod-template-hash": newest.rsplit("-", 1)[1]}
            self.kinds["Pod"].append({
                "metadata": self._metadata(pod_name, number, ("ReplicaSet", newest), labels),
                "spec": pod_spec(image, node), "status": pod_status(image)})
        self.kinds["Service"].append({
            "metadata": self._metadata(name, number),
            "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1", "selector": self._labels(number),
                     "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]}})
        if number % 5 == 0:
            rule = {"host": f"{name}.apps.acme.example", "http": {"paths": [{"path": "/", "pathType": "Prefix"}]}}
            self.kinds["Ingress"].append({"metadata": self._metadata(name, number), "spec": {"rules": [rule]}})
            self.kinds["HorizontalPodAutoscaler"].append({
                "metadata": self._metadata(name, number),
                "spec": {"minReplicas": 2, "maxReplicas": 6, "scaleTargetRef": {"kind": "Deployment", "name": name}},
                "status": {"currentReplicas": 4, "desiredReplicas": 4,
                           "conditions": [condition("AbleToScale", "ReadyForNewScale")]}})

    def _event(self, number):
        pods = self.kinds["Pod"]
        about = pods[number * 7 % len(pods)]["metadata"]
        self.kinds["Event"].append({
            "metadata": {**self._metadata(f"{about['name']}.{number:x}", 0, labels={}), "namespace": about["namespace"]},
            "type": "Warning", "reason": "Unhealthy", "count": 3, "lastTimestamp": WHEN,
            "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "involvedObject": {"kind": "Pod", "name": about["name"], "namespace": about["namespace"], "uid": about["uid"]}})

    def _application(self, number, environment):
        service = service_name(number)
        name, revision = f"{service}-{environment}", digest(service)[7:47]
        sources = {"repoURL": f"https://git.acme.example/acme/{service}.git", "targetRevision": "main", "path": "chart",
                   "helm": {"releaseName": service, "valueFiles": ["values.yaml", f"values-{environment}.yaml"]}}
        target = {"server": f"https://{environment}.acme.example:6443", "namespace": f"team-{number % 20}-{environment}"}
        image = f"registry.acme.example/acme/{service}:1.4.2@{digest(service)}"
        kinds = ("Service", "ServiceAccount", "Deployment", "HorizontalPodAutoscaler", "HTTPRoute", "NetworkPolicy",
                 "PodDisruptionBudget", "ServiceMonitor", "ExternalSecret", "ConfigMap")
        one = lambda kind: {"group": "apps", "version": "v1", "kind": kind, "namespace": target["namespace"],
                            "name": service, "status": "Synced", "health": {"status": "Healthy"}}
        deployed = lambda at: {"id": at, "revision": revision, "deployedAt": WHEN, "deployStartedAt": WHEN, "source": sources,
                               "initiatedBy": {"username": "ada"}}
        done = {"message": "successfully synced (all tasks run)", "phase": "Succeeded", "startedAt": WHEN, "finishedAt": WHEN,
                "operation": {"sync": {"revision": revision, "prune": True}, "initiatedBy": {"username": "ada"}},
                "syncResult": {"revision": revision, "source": sources,
                               "resources": [{**one(kind), "message": f"{kind} configured"} for kind in kinds]}}
        labels = {"app.kubernetes.io/name": service, "backstage.io/kubernetes-id": service, "environment": environment}
        return {
            "metadata": {**self._metadata(name, 0, labels=labels), "namespace": "argocd"},
            "spec": {"project": service, "source": sources, "destination": target, "revisionHistoryLimit": 10},
            "status": {"sync": {"status": "Synced", "revision": revision, "comparedTo": {"source": sources, "destination": target}},
                       "health": {"status": "Healthy", "lastTransitionTime": WHEN}, "operationState": done,
                       "history": [deployed(at) for at in range(10)], "resources": [one(kind) for kind in kinds],
                       "sourceType": "Helm", "reconciledAt": WHEN,
                       "summary": {"images": [image], "externalURLs": [f"https://{service}.apps.acme.example"]}}}


def managed(manager, operation):
    own = lambda *names: {f"f:{name}": {} for name in names}
    fields = {"f:metadata": {"f:labels": own("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version"),
                             "f:annotations": own("checksum/config", "prometheus.io/scrape")},
              "f:spec": {"f:containers": {'k:{"name":"server"}': own("image", "imagePullPolicy", "env", "ports", "resources",
                                                                    "livenessProbe", "readinessProbe", "securityContext")},
                         **own("dnsPolicy", "restartPolicy", "schedulerName", "terminationGracePeriodSeconds")}}
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "time": WHEN, "fieldsType": "FieldsV1", "fieldsV1": fields}


def condition(kind, reason=""):
    return {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": WHEN, "lastProbeTime": None}


def container(name, image):
    probe = lambda path: {"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 2}
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent",
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": f"SETTING_{number}", "value": f"what it is set to, {number}"} for number in range(12)],
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            "livenessProbe": probe("/healthz"), "readinessProbe": probe("/readyz"),
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True,
                                "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "token", "readOnly": True,
                             "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}


def pod_spec(image, node):
    spec = {"containers": [container("server", image), container("proxy", "registry.acme.example/mesh/proxy:1.24")],
            "initContainers": [container("mesh-init", "registry.acme.example/mesh/proxy:1.24")],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "token", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
            "tolerations": [{"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute",
                             "tolerationSeconds": 300} for what in ("not-ready", "unreachable")],
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "serviceAccountName": "server", "terminationGracePeriodSeconds": 30,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    return {**spec, "nodeName": node} if node else spec


def pod_status(image):
    mesh = "registry.acme.example/mesh/proxy:1.24"
    state = lambda name, of, now: {"name": name, "ready": True, "started": True, "restartCount": 0, "image": of,
                                   "imageID": f"{of.rsplit(':', 1)[0]}@{digest(of)}", "state": now, "lastState": {},
                                   "containerID": f"containerd://{digest(name + of)[7:]}"}
    running = {"running": {"startedAt": WHEN}}
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": WHEN, "finishedAt": WHEN}}
    return {"phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}], "hostIP": "10.0.0.1", "startTime": WHEN,
            "qosClass": "Burstable",
            "conditions": [condition(kind) for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
            "containerStatuses": [state("server", image, running), state("proxy", mesh, running)],
            "initContainerStatuses": [state("mesh-init", mesh, done)]}


def handler(cluster, ended):
    """What answers for one cluster."""
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            address = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            kind = PATHS.get(address.path)
            if address.path == "/version":
                return self.answer(200, VERSION)
            if kind is None:
                return self.answer(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})
            if query.get("watch") in ("true", "1"):
                return self.watch()
            return self.answer(200, page(cluster.kinds[kind], kind, address.path, query))

        def answer(self, status, body):
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def watch(self):
            """Open until the end; nothing happens."""
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            ended.wait()
            self.close_connection = True

        def log_message(self, *_):
            pass
    return Handler


def page(objects, kind, path, query):
    begin, limit = int(query.get("continue") or 0), int(query.get("limit") or len(objects) or 1)
    end = begin + limit
    about = {"resourceVersion": "4711"}
    if end < len(objects):
        about.update({"continue": str(end), "remainingItemCount": len(objects) - end})
    group = "/".join(path.split("/")[2:-1])
    head = json.dumps({"kind": f"{kind}List", "apiVersion": group, "metadata": about})
    return f'{head[:-1]}, "items": [{",".join(objects[begin:end])}]}}'


class Server(ThreadingHTTPServer):
    """One with TLS; whoever breaks off says so to nobody."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, cluster, keys, ended):
        super().__init__(("127.0.0.1", 0), handler(cluster, ended))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*keys)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        pass


def make_keys(folder):
    """Certificate and key of 127.0.0.1."""
    certificate, key = os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "30", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--clusters", type=int, default=5)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--environments", default="dev,staging,prod")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    keys, ended, told = make_keys(options.folder), threading.Event(), []
    with open(keys[0], "rb") as file:
        ca = base64.b64encode(file.read()).decode()
    for number in range(options.clusters):
        cluster = Cluster(number, options.pods, options.services, options.environments.split(","))
        server = Server(cluster, keys, ended)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told.append({"name": cluster.name, "url": f"https://127.0.0.1:{server.server_port}", "caData": ca,
                     "objects": sum(map(len, cluster.kinds.values())), "pod_bytes": len(cluster.kinds["Pod"][0])})
    print(json.dumps(told), flush=True)
    try:
        ended.wait()
    except KeyboardInterrupt:
        ended.set()


if __name__ == "__main__":
    sys.exit(main())
