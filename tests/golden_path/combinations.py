"""Which answers to try: the options of a template's form, combined.

An option is a question with a fixed number of answers: a list to choose from, a check box, the hosts of a repository. One
that is asked only with certain answers to others is none.
All combinations where there are few of them; else so many that every two answers to different questions meet at least
once, which is how most faults show that need more than one answer.
"""

from itertools import combinations, product

# More combinations than this are not all tried.
ALL = 64


def options(template):
    """The questions of a template's form and their answers."""
    found = {}
    for page in template["spec"]["parameters"]:
        for name, field in page["properties"].items():
            if "enum" in field:
                found[name] = field["enum"]
            elif field["type"] == "boolean":
                found[name] = [False, True]
            elif field.get("ui:field") == "RepoUrlPicker" and "ui:if" not in field:
                hosts = field["ui:options"]["allowedHosts"]
                found[name] = [f"{host}?owner=acme&repo=payments-api" for host in hosts]
    return found


def combined(options):
    """Answers to try, and how many there would be."""
    size = 1
    for values in options.values():
        size *= len(values)
    every = (dict(zip(options, values)) for values in product(*options.values()))
    return (list(every) if size <= ALL else pairwise(options)), size


def pairwise(options):
    """Few answers in which every pair occurs; always the same ones."""
    missing = {
        frozenset([(one, a), (other, b)])
        for one, other in combinations(options, 2)
        for a in options[one]
        for b in options[other]
    }
    found = []
    while missing:
        # Begin with a pair that is missing; then, question by question, the answer that meets the most.
        answers = dict(sorted(min(missing, key=lambda pair: sorted(map(str, pair)))))
        for name in sorted(set(options) - set(answers), key=lambda name: (-len(options[name]), name)):
            met = {value: meets(answers | {name: value}, name, missing) for value in options[name]}
            answers[name] = max(options[name], key=lambda value: met[value])
        missing -= {frozenset(pair) for pair in combinations(answers.items(), 2)}
        found.append({name: answers[name] for name in options})
    return found


def meets(answers, name, missing):
    """How many missing pairs an answer makes with those before."""
    return sum(frozenset([(name, answers[name]), other]) in missing for other in answers.items())
