"""Clusters of several masters: where they are, and which of them leads."""

from programs_test import eventually, fetch, post


class Masters:
    """Those of one cluster, by their addresses."""

    def __init__(self, cluster):
        match, _ = cluster.expect(r"^Embedded cluster: masters? ([^,]+),")
        self.addresses = match.group(1).split()

    def __iter__(self):
        return iter(self.addresses)

    def leader(self, but=None):
        """The one that leads, as those that are there say; not `but`. None if nobody knows."""
        for master in self.addresses:
            try:
                status, headers, _ = fetch(f"http://{master}/redirect")
            except OSError:
                continue
            port = headers["Location"].rsplit(":", 1)[1] if status == 307 else None
            found = [each for each in self.addresses if each.endswith(f":{port}")]
            if found and found[0] != but:
                return found[0]
        return None

    def wait_for_leader(self, but=None):
        if not eventually(lambda: self.leader(but)):
            raise AssertionError(f"none of {self.addresses} leads")
        return self.leader(but)

    def fail(self, fault, **parameters):
        """Asks the leader to make something fail. Who led, and the status of its answer."""
        leader = self.wait_for_leader()
        form = {"fault": fault, **{name.rstrip("_"): value for name, value in parameters.items()}}
        body = "&".join(f"{name}={value}" for name, value in form.items())
        return leader, post(f"http://{leader}/local/fail", body)
