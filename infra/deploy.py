"""`make deploy`: to the AWS account of the shell, or (with `AWS_ENDPOINT_URL`) to an emulator.

Twice over: first the base, because functions are told the public half of the key that it holds; then everything.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3

from infra import names
from infra.discovery import REPOSITORY, Mistake

Outputs = dict[str, dict[str, str]]
CONCURRENCY = 4


def deploy(
    *,
    platform: str = "aws",
    time_scale: float = 1,
    public_url: str = "",
    shared_senders: str = "",
    tracking_domains: Iterable[str] = (),
    output: Path = REPOSITORY / "cdk.out",
    environment: Mapping[str, str] | None = None,
) -> Outputs:
    """Synthesize and deploy all stacks; gives their outputs, {stack: {output: value}}.

    `environment` (this process's, if none is given) has the credentials, region and, for an emulator, the endpoint.
    Raises subprocess.CalledProcessError when the CDK fails; it has then said why.
    """
    around = dict(os.environ if environment is None else environment)
    context = ["-c", f"platform={platform}", "-c", f"time_scale={time_scale}"]
    if tracking_domains:
        context += ["-c", f"tracking_domains={','.join(tracking_domains)}"]
    app = f"{sys.executable} -O -m infra.app"
    _cdk(["synth", "--quiet", "--app", app, "--output", str(output), *context], around)
    base = _deployed([names.BASE_STACK, "--exclusively"], output, around)
    keys = public_keys(base[names.BASE_STACK]["SigningKeyId"], around)
    given = parameters(output, {"JwtKeys": json.dumps(keys), "PublicUrl": public_url, "SharedSenders": shared_senders})
    return base | _deployed(["--all", "--concurrency", str(CONCURRENCY), *given], output, around)


def _cdk(arguments: Iterable[str], environment: Mapping[str, str]) -> None:
    command = [str(REPOSITORY / "node_modules" / ".bin" / "cdk"), *arguments]
    subprocess.run(command, cwd=REPOSITORY, env=dict(environment), check=True)


def _deployed(arguments: Iterable[str], output: Path, environment: Mapping[str, str]) -> Outputs:
    written = output / "outputs.json"
    fixed = ["--app", str(output), "--require-approval", "never", "--method", "direct", "--outputs-file", str(written)]
    _cdk(["deploy", *fixed, *arguments], environment)
    outputs: Outputs = json.loads(written.read_text())
    return outputs


def parameters(output: Path, values: Mapping[str, str]) -> list[str]:
    """`--parameters` for each stack that has one of these parameters."""
    given = []
    for template in sorted(output.glob(f"{names.PREFIX}-*.template.json")):
        stack = template.name.removesuffix(".template.json")
        declared = json.loads(template.read_text()).get("Parameters", {})
        for name in values.keys() & declared.keys():
            given += ["--parameters", f"{stack}:{name}={values[name]}"]
    return given


def public_keys(key_id: str, environment: Mapping[str, str]) -> dict[str, str]:
    """{kid: PEM}. The `kid` of a token is the KMS id of the key that signed it."""
    answer = _client("kms", environment).get_public_key(KeyId=key_id)
    text = base64.b64encode(answer["PublicKey"]).decode()
    lines = "\n".join(textwrap.wrap(text, 64))
    return {key_id: f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"}


def _client(service: str, environment: Mapping[str, str]) -> Any:
    session = boto3.Session(
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        region_name=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"),
        profile_name=environment.get("AWS_PROFILE"),
    )
    return session.client(service, endpoint_url=environment.get("AWS_ENDPOINT_URL"))


def bootstrapped(environment: Mapping[str, str]) -> bool:
    """Whether `cdk bootstrap` has been run in this account and region."""
    ssm = _client("ssm", environment)
    try:
        ssm.get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    except ssm.exceptions.ParameterNotFound:
        return False
    return True


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--public-url", default="", help="base of links in mails; none: the API's own address")
    shared = "domains and addresses that every tenant may send from, with commas; *: all that SES has verified"
    arguments.add_argument("--shared-senders", default="", help=shared)
    own = "DOMAIN=CERTIFICATE_ARN: a tenant's own domain for links in mails; may be repeated, and says all of them"
    arguments.add_argument("--tracking-domain", action="append", default=[], help=own)
    wanted = arguments.parse_args()
    if not bootstrapped(os.environ):
        print("This account and region have not seen the CDK yet. Run once: npx cdk bootstrap")
        return 1
    try:
        outputs = deploy(
            public_url=wanted.public_url.rstrip("/"),
            shared_senders=wanted.shared_senders,
            tracking_domains=wanted.tracking_domain,
        )
    except (subprocess.CalledProcessError, Mistake) as error:
        print(f"Not deployed: {error}")
        return 1
    for stack, values in sorted(outputs.items()):
        for name, value in sorted(values.items()):
            print(f"{stack:28} {name:28} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
