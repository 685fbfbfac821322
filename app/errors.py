"""
errors: every error we raise on purpose.

AppError                 1
├── ConfigError         78   the YAML, a flag or a manifest is wrong; restarting will not help
├── SourceError         66   a camera, file or download cannot be opened
├── DeviceError         69   no usable GPU, driver or runtime, or it fails at work
│   └── EngineError     78   the model or engine file does not fit this device
├── RestartWanted       75   nothing is wrong but a limit: systemd starts the service again
├── OutputError         73   a file or port to write to cannot be opened
└── StageError          70   a stage failed on a frame

The number is the process exit code (see sysexits.h). The systemd unit lists
the ones that must not be retried. Each message has three parts in one line:
what went wrong, the facts, the way out.
"""


class AppError(Exception):
    exit_code = 1


class ConfigError(AppError):
    exit_code = 78


class SourceError(AppError):
    exit_code = 66


class DeviceError(AppError):
    exit_code = 69


class EngineError(DeviceError):
    exit_code = 78


class OutputError(AppError):
    exit_code = 73


class RestartWanted(AppError):
    exit_code = 75


class StageError(AppError):
    exit_code = 70

    def __init__(self, stage: str, where: str, cause: BaseException) -> None:
        super().__init__(f"{stage}: {where}: {type(cause).__name__}: {cause}")
        self.stage = stage
