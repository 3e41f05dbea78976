"""A release as it stands."""


async def test_first(standing, hookgate, kubectl):
    team = hookgate.team(kubectl)
    await team.settle()
    await team.apply(team.subscription())
    await team.ready()
    await team.post()
    await team.arrivals(team.path("invoices"))
    print(standing.helm.status(standing.name)["info"])
    print(standing.log(standing.gateway))
