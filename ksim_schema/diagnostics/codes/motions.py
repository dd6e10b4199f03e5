"""KS066x to KS069x: recorded motions. Frames are counted from 0, as the rows of an array are."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, info, warning

NOT_A_CLIP = error(
    "KS0660",
    "not a recorded motion",
    "A clip is an .npz file of plain arrays or a .csv file of numbers, as docs/motions.md lays "
    "them out. Files that need pickle are not read: they could run code.",
)
CLIP_WIDTH = error(
    "KS0661",
    "arrays of wrong size",
    "The arrays of a clip have a row for each frame, as many rows each, and a column for each "
    "number of the robot.",
)
CLIP_NOT_FINITE = error(
    "KS0662", "number that is not finite", "A frame of the clip holds NaN or an infinite number."
)
CLIP_TOO_SHORT = error(
    "KS0663",
    "motion too short",
    "A motion has two frames at least, and lasts a tenth of a second: rates of change and places "
    "to begin come from what lies between frames.",
)
CLIP_RATE = error(
    "KS0664",
    "rate of frames not known",
    "A clip says how many frames a second it has, from 5 to 1000. In a csv file nothing says it: "
    "it is 30 unless the task or the command says otherwise.",
)
CLIP_LACKS_JOINT = error(
    "KS0665",
    "motion without a joint",
    "The clip names its joints, and one that the robot has is not among them.",
)
CLIP_OTHER_JOINT = error(
    "KS0666",
    "motion of an unknown joint",
    "The clip names a joint that the robot does not have, or one of them twice.",
)
CLIP_REORDERED = info(
    "KS0667",
    "joints in another order",
    "The clip names its joints in another order than the model's. They are taken by their names.",
)
CLIP_ORDER_ASSUMED = info(
    "KS0668",
    "joints without names",
    "The clip does not name its joints, so the order that they stand in is taken for granted: "
    "the model's, or the one in which the places of bodies in the file fit the robot's. Add "
    "names with ksim-motion convert.",
)
CLIP_BEYOND_LIMITS = warning(
    "KS0669",
    "joint beyond its limits",
    "In the frame the joint is farther than the model lets it go. The robot cannot follow there, "
    "and episodes that begin there begin at the limit.",
)
CLIP_DEGREES = error(
    "KS0670",
    "joints in degrees",
    "The joints go beyond their limits as radians, and are within them as degrees. Clips are in "
    "radians and metres; ksim-motion convert --degrees makes one of this.",
)
CLIP_QUATERNION_ORDER = error(
    "KS0671",
    "quaternion in another order",
    "Read as the layout says, the robot lies or stands on its head; with the scalar at the other "
    "end it stands. An npz has quaternions as w, x, y, z, and a csv as x, y, z, w.",
)
CLIP_QUATERNION_LENGTH = error(
    "KS0672",
    "quaternion that is not a rotation",
    "A quaternion's length is 1. Up to a hundredth off it is made 1 without a word, and so is a "
    "change of all four signs from one frame to the next, which is the same rotation.",
)
CLIP_OTHER_RATE = warning(
    "KS0673",
    "velocities of another rate",
    "The clip's velocities are not those of its positions at the rate that it tells: they fit "
    "another rate. The velocities that are used follow from the positions.",
)
CLIP_JUMP = warning(
    "KS0674",
    "jump in a motion",
    "From one frame to the next the robot moves much faster than before and after, or faster than "
    "any robot: frames are missing, or two clips stand in one file. Cut it with ksim-motion "
    "convert --from --to.",
)
CLIP_SLIDING = warning(
    "KS0675",
    "sliding foot",
    "What touches the ground slides along it, which a robot that is to follow cannot do without "
    "slipping.",
)
CLIP_SUNKEN = warning(
    "KS0676",
    "motion in the ground",
    "A part of the robot is deeper in the ground than contacts give way. Episodes that begin there "
    "begin with a push; ksim-motion convert --ground puts the lowest point on the ground.",
)
CLIP_FLOATING = warning(
    "KS0677",
    "motion above the ground",
    "Nothing of the robot comes near the ground in the whole clip, or for longer than a jump "
    "lasts.",
)
CLIP_FAR_BEYOND_LIMITS = error(
    "KS0678",
    "joint far beyond its limits",
    "In the frame the joint is more than 20 degrees, or 5 cm, beyond what the model lets it go: "
    "the clip is of another robot, or its joints are in another order or have another sign.",
)
CLIP_BASE = error(
    "KS0679",
    "motion of another base",
    "A robot that floats needs the place and the orientation of its base in each frame, and one "
    "that is fixed to the world has none.",
)
CLIP_OTHER_ROBOT = error(
    "KS0680",
    "bodies of another robot",
    "The places of bodies in the clip are not where this robot's bodies are with the clip's "
    "joints: it was recorded with another robot, or the joints are in another order.",
)
BAD_POSE = error(
    "KS0681",
    "pose that the robot cannot have",
    "A pose of a file for ksim-motion make names what the robot does not have, bends a joint "
    "beyond its limits, or puts a foot where the legs do not reach.",
)
NO_MOTION = error(
    "KS0682",
    "not a recorded motion's command",
    "The part compares the robot with a recorded motion, or begins in one, and the command that it "
    "names is of another kind.",
)
NOT_FOLLOWED = error(
    "KS0683",
    "not among the bodies that follow",
    "Where a body is in a motion is known for the bodies that the command names alone.",
)
NO_MOTION_START = warning(
    "KS0684",
    "motion that no episode begins in",
    "A command draws where in its clips an episode begins, and no reset puts the robot there: it "
    "begins in its home pose and is behind from the first tick.",
)
NO_SUCH_CLIP = error(
    "KS0685", "unknown clip", "A metric is of a clip that its command does not have."
)
LIMITS_BEYOND_START = warning(
    "KS0686",
    "starts that are lost at once",
    "The noise of the reset moves the robot farther from the frame than the termination lets it "
    "be.",
)
CLIP_UNIT = error(
    "KS0690",
    "places in another unit",
    "Read as metres the base is far above the ground, and read as centimetres or millimetres the "
    "robot stands on it. Clips are in metres and radians.",
)
CLIP_AXIS = error(
    "KS0691",
    "another axis upwards",
    "The robot lies or is off the ground as the clip is read, and with y upwards it stands. Clips "
    "have z upwards, as MuJoCo has.",
)
CLIP_UNEVEN = error(
    "KS0692",
    "frames at uneven times",
    "A clip's frames follow each other after the same time, and its column of times says something "
    "else: frames are missing, or the times stand still or go back. With a rate of one's own the "
    "times are not read.",
)
CLIP_LONGER_NAMES = info(
    "KS0693",
    "joints with longer names",
    "All joints of the clip are the robot's but for the same letters before or after each name, "
    "such as robot/ or _joint. They are taken without them.",
)
CLIP_RATE_ASSUMED = info(
    "KS0694",
    "rate taken for granted",
    "A csv file without a column of times does not say how many frames a second it has. 30 are "
    "taken for granted, as the retargeted LAFAN1 clips have.",
)
BLENDS_TOO_LARGE = error(
    "KS0695",
    "too many frames between clips",
    "The frames from each clip to each that may follow it are worked out beforehand: the periods "
    "of the blend times the pairs of clips, mirror images among them.",
)
BLEND_NEVER_COMES = warning(
    "KS0696",
    "blend that never comes",
    "A blend leads from a clip's last frame to the clip that follows, and a termination of kind "
    "motion_over ends the episode in that frame.",
)
CLIPS_TOO_LARGE = error(
    "KS0697",
    "too many frames of clips",
    "Clips are held with a frame for each control period, mirror images among them.",
)
