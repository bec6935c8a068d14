"""The CDK app: `npx cdk synth`, or `npx cdk synth -c platform=local [-c time_scale=1440]` for the local stack."""

from pathlib import Path

import aws_cdk as cdk

from infra import discovery, domains, grants, layers
from infra.base_stack import BaseStack
from infra.catalogue import Catalogue, checked
from infra.context_stack import ContextStack, Parts
from infra.edge_stack import EdgeStack


def build(app: cdk.App, catalogue: Catalogue, parts: Parts) -> list[cdk.Stack]:
    """All stacks, in the order in which they deploy: base, the contexts (in any order), edge."""
    base = BaseStack(app, catalogue)
    contexts = [ContextStack(app, context, catalogue, parts) for context in catalogue.contexts]
    for stack in contexts:
        stack.add_stack_dependency(base)
    edge = EdgeStack(app, catalogue, parts.tracking_domains)
    for stack in contexts:
        edge.add_stack_dependency(stack)
    return [base, *contexts, edge]


def declared(functions: Path = discovery.FUNCTIONS) -> Catalogue:
    """What the functions of this repository declare. Raises Mistake when it cannot be deployed."""
    return checked(discovery.functions(functions), discovery.documented())


def main() -> None:
    app = cdk.App()
    local = app.node.try_get_context("platform") == "local"
    platform = layers.this_machine() if local else layers.AWS
    time_scale = float(app.node.try_get_context("time_scale") or 1) if local else 1.0
    parts = Parts(
        str(layers.code(platform=platform)),
        str(layers.vendor(platform)),
        grants.edge_entities(),
        time_scale,
        domains.configured(app),
    )
    build(app, declared(), parts)
    app.synth()


if __name__ == "__main__":
    main()
