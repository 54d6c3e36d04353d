//! What is wrong with a workload, in plain words, and what to do next.
//!
//! The reasons are those of the kubelet and the controllers (`CrashLoopBackOff`, `ImagePullBackOff`, `OOMKilled`,
//! `Unschedulable`, `FailedCreate`, …); what they do not say in themselves is taken from the warnings about the pod.

use super::object::{Container, ContainerState, Detail, Pod, Thing, ThingKind, Workload};

/// What is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Advice {
    /// The field's word: `CrashLoopBackOff`.
    pub(crate) reason: String,
    /// What is the matter.
    pub(crate) what: String,
    /// What to do next.
    pub(crate) next: String,
}

/// What there is to say about an object; `warnings` are the events about it.
pub(crate) fn advice(thing: &Thing, warnings: &[&Thing]) -> Vec<Advice> {
    let mut all = match &thing.detail {
        Detail::Pod(pod) => pod_advice(pod, warnings),
        Detail::Workload(workload) => workload_advice(workload),
        Detail::Job { failure: Some(failure), .. } => {
            vec![said(
                "JobFailed",
                format!("The job failed. {failure}"),
                "Read the log of its last pod; a job that must not be tried again sets `backoffLimit: 0`.",
            )]
        }
        Detail::Autoscaler { trouble: Some(trouble), .. } => vec![said(
            "Autoscaler",
            format!("The autoscaler cannot scale. {trouble}"),
            "It needs resource requests on every container, and the metrics server on the cluster.",
        )],
        _ => Vec::new(),
    };
    all.sort();
    all.dedup();
    all
}

fn said(reason: &str, what: String, next: &str) -> Advice {
    Advice { reason: reason.to_owned(), what, next: next.to_owned() }
}

fn pod_advice(pod: &Pod, warnings: &[&Thing]) -> Vec<Advice> {
    let mut all = Vec::new();
    if let Some((reason, message)) = &pod.trouble {
        all.push(match &**reason {
            "Unschedulable" => said(
                reason,
                format!("No node can take the pod. {message}"),
                "Ask for less CPU or memory, check node selectors, tolerations and volume zones, or let the cluster grow.",
            ),
            "Evicted" => said(
                reason,
                format!("The node put the pod out. {message}"),
                "Set memory and ephemeral-storage requests near what it uses, so it is placed where there is room.",
            ),
            other => said(other, format!("The pod is not well: {other}. {message}"), "Look at its events below."),
        });
    }
    all.extend(pod.containers.iter().filter_map(container_advice));
    if all.is_empty() && &*pod.phase == "Running" && !pod.ready {
        all.extend(probe_advice(warnings));
    }
    if all.is_empty() && &*pod.phase == "Pending" {
        all.extend(warnings.iter().filter_map(|warning| pending_advice(warning)));
    }
    all
}

fn container_advice(container: &Container) -> Option<Advice> {
    let Container { name, image, restarts, .. } = container;
    let last = container.last_end.as_ref();
    match &container.state {
        ContainerState::Waiting(reason, message) => match &**reason {
            "CrashLoopBackOff" if last.is_some_and(|(reason, _)| &**reason == "OOMKilled") => {
                Some(out_of_memory(name, *restarts))
            }
            "CrashLoopBackOff" => {
                let code = last.map(|(_, code)| format!(" with exit code {code}")).unwrap_or_default();
                Some(said(
                    reason,
                    format!("Container {name} ends again and again{code}; it was begun {restarts} times anew."),
                    "Read the log of the previous container. Often a missing setting or secret, a database that cannot be reached, or a wrong command.",
                ))
            }
            "ImagePullBackOff" | "ErrImagePull" => Some(said(
                "ImagePullBackOff",
                format!("The image {image} cannot be pulled. {message}"),
                "Check that tag or digest exists in the registry, and that the namespace has a pull secret for it that has not expired.",
            )),
            "InvalidImageName" => Some(said(
                reason,
                format!("{image} is no image name."),
                "Correct `image` in the values of this environment.",
            )),
            "CreateContainerConfigError" => Some(said(
                reason,
                format!("Container {name} cannot be set up. {message}"),
                "A Secret or ConfigMap it reads is missing, or lacks the key; make it, or correct its name.",
            )),
            "CreateContainerError" | "RunContainerError" => Some(said(
                reason,
                format!("Container {name} cannot be started. {message}"),
                "Check command, mounts and the security context; the image must allow a user that is not root.",
            )),
            _ => None,
        },
        ContainerState::Ended(reason, _, _) if &**reason == "OOMKilled" => Some(out_of_memory(name, *restarts)),
        ContainerState::Ended(reason, message, code) if *code != 0 => {
            Some(said(reason, format!("Container {name} ended with exit code {code}. {message}"), "Read its log."))
        }
        ContainerState::Running if last.is_some_and(|(reason, _)| &**reason == "OOMKilled") => {
            Some(out_of_memory(name, *restarts))
        }
        _ => None,
    }
}

fn out_of_memory(name: &str, restarts: u32) -> Advice {
    said(
        "OOMKilled",
        format!("Container {name} used more memory than its limit and was killed; it was begun {restarts} times anew."),
        "Raise `resources.limits.memory`, or find out what holds the memory.",
    )
}

fn probe_advice(warnings: &[&Thing]) -> Option<Advice> {
    warnings.iter().find_map(|warning| match &warning.detail {
        Detail::Event { reason, message, .. } if &**reason == "Unhealthy" => Some(said(
            "Unhealthy",
            format!("A probe fails, so the pod gets no traffic. {message}"),
            "Call the probe's path yourself; give a slow start a `startupProbe`, and check port and path.",
        )),
        _ => None,
    })
}

fn pending_advice(warning: &Thing) -> Option<Advice> {
    let Detail::Event { reason, message, .. } = &warning.detail else { return None };
    match &**reason {
        "FailedMount" | "FailedAttachVolume" => Some(said(
            reason,
            format!("A volume cannot be mounted. {message}"),
            "Check that its claim is bound and that no other node holds the volume.",
        )),
        "FailedScheduling" => Some(said(
            "Unschedulable",
            format!("No node can take the pod. {message}"),
            "Ask for less CPU or memory, check node selectors and tolerations, or let the cluster grow.",
        )),
        _ => None,
    }
}

fn workload_advice(workload: &Workload) -> Vec<Advice> {
    let told = |(reason, message): &(Box<str>, Box<str>)| match &**reason {
        "FailedCreate" if message.contains("exceeded quota") => said(
            "Quota",
            format!("The namespace's quota allows no more pods. {message}"),
            "Ask for less in `resources`, run fewer replicas, or have the quota raised.",
        ),
        "FailedCreate" => said(
            reason,
            format!("Pods cannot be made. {message}"),
            "The API server refuses them: check service account, security settings and admission policies.",
        ),
        "ProgressDeadlineExceeded" => said(
            reason,
            "The new version does not become ready in time; the old pods still run.".to_owned(),
            "Look at its newest pods, or roll back.",
        ),
        other => said(other, format!("{other}: {message}"), "Look at its events below."),
    };
    workload.troubles.iter().map(told).collect()
}

/// Whether an event is about an object.
pub(crate) fn is_about(event: &Thing, thing: &Thing) -> bool {
    debug_assert_eq!(event.kind, ThingKind::Event);
    let Detail::Event { about_kind, about_name, .. } = &event.detail else { return false };
    event.namespace == thing.namespace && **about_kind == *thing.kind.name() && *about_name == thing.name
}
