"""How the parts of a running coldtrail are put together, once its store and its state are open."""

from __future__ import annotations

from coldtrail.server.alerts.unknown_names import Telemetry
from coldtrail.server.api.service import Service
from coldtrail.server.clockworks import Clockworks
from coldtrail.server.listening.intake import Intake
from coldtrail.server.listening.received import Received
from coldtrail.server.reconstruction.learning import Learning
from coldtrail.server.reconstruction.reading import TrailReader
from coldtrail.server.settings.settings import Settings
from coldtrail.state import Database
from coldtrail.state.deployments import Deployments
from coldtrail.state.investigations import Investigations
from coldtrail.store.loading.loader import Loader
from coldtrail.store.signals import SignalReader


def assemble(
    settings: Settings,
    loader: Loader,
    learning: Learning,
    state: Database,
    received: Received,
    addresses: dict[str, str | None],
) -> tuple[Service, Clockworks]:
    """Return what the API shows, and what works in the background."""
    engine, wal = loader.engine, loader.wal
    signals = SignalReader(engine)
    reader = TrailReader(engine, signals)
    clockworks = Clockworks(settings, engine, state, reader, learning, lambda: addresses["page"])
    service = Service(
        engine=engine,
        signals=signals,
        trails=reader,
        wal=wal,
        loader=loader,
        received=received.as_json,
        listeners=lambda: addresses,
        data_dir=settings.data.resolve(),
        intake=Intake(wal, received),
        limits=settings.limits,
        deployments=Deployments(state),
        definitions=clockworks.definitions,
        costs=settings.costs,
        findings=clockworks.findings,
        investigations=Investigations(state),
        alerting=clockworks.alerting,
        objectives=clockworks.objectives,
        outcomes=clockworks.outcomes,
        telemetry=Telemetry(engine),
    )
    return service, clockworks
